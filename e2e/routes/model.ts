/** Versions of the server: each is a pod and a Service of its name. */
export const versions = ['red', 'blue', 'green'] as const;
export type Version = (typeof versions)[number];

/** Whose clients ask: those of the Service's own namespace, or those of another. */
export type ClientNamespace = 'routes' | 'guests';

/** What is asked of the Service of a case, unless another host is named. */
export interface Question {
  readonly over?: 'http1' | 'grpc' | 'tcp' | 'tls';
  readonly from?: ClientNamespace;
  /** Another Service than that of the case. */
  readonly to?: string;
  /** The Service's port: 80 unless said otherwise, 90 for gRPC, 7000 for TCP, 443 for TLS. */
  readonly port?: number;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text, repeated up to this many bytes. */
  readonly body?: { readonly text: string; readonly bytes?: number };
  readonly count?: number;
  /** A connection for each. */
  readonly fresh?: boolean;
  /** The server name of TLS. */
  readonly serverName?: string;
  /** What the first answer gave goes along with all that follow: its cookie, or this header. */
  readonly keeps?: string;
}

/** What a field must be: a text, a text that matches, or absent. */
export type FieldExpectation = string | RegExp | null;

/** What must come of a question; what is not named may be anything. */
export interface Expectation {
  readonly status?: number;
  readonly version?: Version;
  /** Why the mesh answered itself (`tulle-reason`). */
  readonly reason?: string;
  readonly grpcStatus?: string;
  /** Fields of the response. */
  readonly headers?: Readonly<Record<string, FieldExpectation>>;
  /** What the server was asked. */
  readonly seen?: {
    readonly method?: string;
    readonly url?: string;
    readonly body?: string;
    readonly bytes?: number;
    readonly headers?: Readonly<Record<string, FieldExpectation>>;
    /** The server name of the TLS that it was asked over; null for none. */
    readonly sni?: string | null;
  };
  /** How many requests of a key the server of the question counted (`/counted?KEY/LEAST`). */
  readonly counted?: number | readonly [least: number, most: number];
  /** How often each answer came, within so many. */
  readonly shares?: Readonly<Record<string, number>>;
  readonly within?: number;
  /** All answers are the same one, whichever. */
  readonly onlyOne?: boolean;
  readonly atLeastMs?: number;
  readonly atMostMs?: number;
  /** The connection fails. */
  readonly fails?: boolean;
  /** The first line over TCP. */
  readonly line?: string;
  /** The server name that the server itself was told over TLS, whose certificate is the server's own. */
  readonly sni?: string;
}

/** A question and what must come of it. */
export interface Check {
  readonly question: Question;
  readonly expectation: Expectation;
  /** What must come of it instead where the objects come from an API server. */
  readonly onKubernetes?: Expectation;
}

/** A Kubernetes object. */
export type Manifest = Readonly<Record<string, unknown>>;

/** One case: a Service of its own, routes for it, and what is asked. */
export interface RouteCase {
  /** What the case shows, as a sentence without its end. */
  readonly name: string;
  /** Its Service, and the beginning of the names of its other objects. */
  readonly service: string;
  readonly manifests: readonly Manifest[];
  readonly checks: readonly Check[];
}

/** What came of a question. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: {
    readonly method?: string;
    readonly url?: string;
    readonly path?: string;
    readonly body?: string;
    readonly bytes?: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly counted?: number;
    readonly sni?: string;
  };
  readonly grpcStatus?: string;
  /** Whether the certificate was signed by the suite's authority. */
  readonly isSuites?: boolean;
  readonly error?: string;
  readonly lines?: readonly string[];
  readonly tookMs?: number;
  readonly shares: Readonly<Record<string, number>>;
}
