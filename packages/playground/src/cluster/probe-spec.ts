import type { Fields } from './fields.ts';

/** How to find out whether a container is well, and how often. */
export interface ProbeSpec {
  readonly action: ProbeAction;
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** What a probe does. A port can be a number or the name of one of the container's ports. */
export type ProbeAction =
  | {
      readonly kind: 'httpGet';
      readonly path: string;
      readonly port: number | string;
      readonly headers: readonly { readonly name: string; readonly value: string }[];
    }
  | { readonly kind: 'tcpSocket'; readonly port: number | string }
  | { readonly kind: 'exec'; readonly command: readonly string[] };

/** Reads the probe below `key`, or undefined when there is none or it cannot be done. */
export function decodeProbe(container: Fields, key: string): ProbeSpec | undefined {
  if (!container.has(key)) return undefined;
  const probe = container.object(key);
  const action = decodeAction(probe);
  if (action === undefined) return undefined;
  return {
    action,
    initialDelaySeconds: probe.integer('initialDelaySeconds', 0, 86_400) ?? 0,
    periodSeconds: probe.integer('periodSeconds', 1, 86_400) ?? 10,
    timeoutSeconds: probe.integer('timeoutSeconds', 1, 3600) ?? 1,
    successThreshold: probe.integer('successThreshold', 1, 1000) ?? 1,
    failureThreshold: probe.integer('failureThreshold', 1, 1000) ?? 3,
  };
}

function decodeAction(probe: Fields): ProbeAction | undefined {
  if (probe.has('httpGet')) return decodeHttpGet(probe.object('httpGet'));
  if (probe.has('tcpSocket')) {
    const port = decodePortReference(probe.object('tcpSocket'));
    return port === undefined ? undefined : { kind: 'tcpSocket', port };
  }
  if (probe.has('exec')) {
    const command = probe.object('exec').strings('command');
    if (command.length === 0) probe.object('exec').refuse('command', 'must name a program');
    return command.length === 0 ? undefined : { kind: 'exec', command };
  }
  if (probe.has('grpc')) probe.refuse('grpc', 'is not supported in a playground; httpGet, tcpSocket and exec are');
  else probe.refuse('httpGet', 'a probe needs one of httpGet, tcpSocket and exec');
  return undefined;
}

function decodeHttpGet(fields: Fields): ProbeAction | undefined {
  const port = decodePortReference(fields);
  const path = fields.string('path') ?? '/';
  if (!/^\/[\x21-\x7e]*$/.test(path)) {
    fields.refuse('path', `"${path}" must begin with "/" and have no spaces or control characters`);
    return undefined;
  }
  if ((fields.string('scheme') ?? 'HTTP') !== 'HTTP') {
    fields.refuse('scheme', 'only HTTP is supported in a playground');
    return undefined;
  }
  if (fields.has('host')) fields.refuse('host', 'is not supported in a playground: probes go to the pod');
  const headers = fields.objects('httpHeaders').map((header) => {
    const name = header.string('name') ?? '';
    const value = header.string('value') ?? '';
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) header.refuse('name', `"${name}" is not a header's name`);
    if (!/^[\t\x20-\x7e]*$/.test(value)) header.refuse('value', 'has control or non-ASCII characters');
    return { name, value };
  });
  return port === undefined ? undefined : { kind: 'httpGet', path, port, headers };
}

function decodePortReference(fields: Fields): number | string | undefined {
  if (!fields.has('port')) {
    fields.refuse('port', 'is required');
    return undefined;
  }
  return typeof fields.raw('port') === 'string' ? fields.string('port') : fields.integer('port', 1, 65_535);
}
