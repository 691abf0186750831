import type { Clock, Logger } from '@tulle/core';
import { referenceOf, type KubernetesObject } from '@tulle/gateway-api';
import { ManifestDirectory, type ManifestObject, type ManifestProblem, type ManifestSnapshot } from '@tulle/manifests';
import type { ObjectChange, ObjectOrigin, ObjectSink, ObjectSource, SourceProblem } from './object-source.ts';

/** The annotation of an object that was copied from elsewhere: the file and line that a person wrote it in. */
const originAnnotation = 'tulle.dev/origin';

/** What a {@link DirectorySource} is made from. */
export interface DirectorySourceOptions {
  readonly directory: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Objects from a directory of manifests, each in its last valid version; changes of the files take effect at once. */
export class DirectorySource implements ObjectSource {
  readonly kind = 'directory';
  readonly #options: DirectorySourceOptions;
  #directory: ManifestDirectory | undefined;
  #closed = false;
  /** What the sink was given. */
  #given: ReadonlyMap<string, ManifestObject> = new Map();

  constructor(options: DirectorySourceOptions) {
    this.#options = options;
  }

  /** Never fails: a directory that is not there is waited for, and is a problem meanwhile. */
  async start(sink: ObjectSink): Promise<void> {
    const { directory, logger, clock } = this.#options;
    const onChange = (snapshot: ManifestSnapshot) => this.#give(snapshot, sink);
    this.#directory = await ManifestDirectory.open(directory, { onChange, logger, clock });
    // The first state may have been there before anybody could be told of it.
    this.#give(this.#directory.snapshot, sink);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#directory?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #give(snapshot: ManifestSnapshot, sink: ObjectSink): void {
    if (this.#closed) return;
    const now = snapshot.objects;
    const changes: ObjectChange[] = [];
    for (const [key, { object }] of this.#given) {
      if (!now.has(key)) changes.push({ type: 'delete', reference: referenceOf(object) });
    }
    for (const [key, entry] of now) if (!isSame(this.#given.get(key), entry)) changes.push(setOf(entry));
    this.#given = now;
    sink.setProblems(problemsOf(snapshot));
    sink.apply(changes);
  }
}

function isSame(before: ManifestObject | undefined, after: ManifestObject): boolean {
  return (
    before !== undefined && before.object === after.object && before.file === after.file && before.line === after.line
  );
}

function setOf(entry: ManifestObject): ObjectChange {
  return { type: 'set', object: entry.object, origin: originOf(entry) };
}

/** Where a person wrote an object: who copies it here says so in an annotation, `FILE:LINE`. */
function originOf({ object, file, line }: ManifestObject): ObjectOrigin {
  const written = object.metadata.annotations?.[originAnnotation];
  const colon = written?.lastIndexOf(':') ?? -1;
  if (written === undefined || colon < 1) return { file, line };
  const writtenLine = Number(written.slice(colon + 1));
  return Number.isSafeInteger(writtenLine) && writtenLine > 0
    ? { file: written.slice(0, colon), line: writtenLine }
    : { file: written };
}

function problemsOf(snapshot: ManifestSnapshot): SourceProblem[] {
  const stale = new Set<string>();
  for (const { isStale, object } of snapshot.objects.values()) if (isStale) stale.add(nameOf(object));
  return snapshot.problems.map((problem) => problemOf(problem, stale));
}

function problemOf(problem: ManifestProblem, stale: ReadonlySet<string>): SourceProblem {
  const { severity, file, line, object, path, message } = problem;
  const kept = severity === 'error' && object !== undefined && stale.has(object);
  return {
    severity,
    code: severity === 'error' ? 'InvalidManifest' : 'IgnoredInManifest',
    message: `${path === undefined || path === '' ? '' : `${path}: `}${message}${kept ? '; its last valid version is used' : ''}`,
    ...(object === undefined ? {} : { object }),
    origin: { file, line },
  };
}

/** `Kind namespace/name`, as problems name an object. */
function nameOf({ kind, metadata: { namespace, name } }: KubernetesObject): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
