/*
 * Translates a large cluster in full, then single changes of it: `npm run bench:translate`. Prints what it took by the clock
 * and of the processor, and ends with status 1 when either, or the memory, is over a limit. The clock also counts what
 * other programs of the machine do; the processor's time tells. Figures of a machine are in README.md beside this file.
 */
import { decodeObject, formatObjectError } from '@tulle/gateway-api';
import type { EndpointSlice, HTTPRoute, KubernetesObject, Pod, Service } from '@tulle/gateway-api';
import { IncrementalTranslator, translate } from '../src/index.ts';
import type { TranslationChange, TranslationUpdate } from '../src/index.ts';

const size = { services: 10_000, endpointsPerService: 10, routes: 5_000, namespaces: 100, nodes: 200 };
const limits = { fullMs: 5_000, maxRssMiB: 1024, sliceMs: 5 };
const settings = { trustDomain: 'cluster.local', mtlsMode: 'permissive' } as const;
const now = '2026-01-01T00:00:00Z';
const singleChanges = 200;

function decoded(input: unknown): KubernetesObject {
  const result = decodeObject(input);
  if (!result.ok) throw new Error(result.error.map(formatObjectError).join('; '));
  return result.value;
}

/** A decoded object that others are copied from: decoding is not what is measured here. */
function template<K extends KubernetesObject['kind']>(kind: K, input: object): Extract<KubernetesObject, { kind: K }> {
  const object = decoded({ kind, ...input });
  if (object.kind !== kind) throw new Error(`not a ${kind}`);
  return object as Extract<KubernetesObject, { kind: K }>;
}

const templates = {
  service: template('Service', {
    apiVersion: 'v1',
    metadata: { name: 's', namespace: 'n' },
    spec: { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80, appProtocol: 'http' }] },
  }),
  slice: template('EndpointSlice', {
    apiVersion: 'discovery.k8s.io/v1',
    metadata: { name: 's', namespace: 'n' },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
  }),
  pod: template('Pod', {
    apiVersion: 'v1',
    metadata: { name: 'p', namespace: 'n', labels: { app: 'a' } },
    spec: { nodeName: 'n', containers: [{ name: 'c' }] },
    status: { phase: 'Running', podIP: '10.0.0.1' },
  }),
  route: template('HTTPRoute', {
    apiVersion: 'gateway.networking.k8s.io/v1',
    metadata: { name: 'r', namespace: 'n' },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: 's' }],
      rules: [
        { matches: [{ path: { type: 'Exact', value: '/a' } }], backendRefs: [{ name: 's', port: 80 }] },
        {
          matches: [{ path: { value: '/b' }, headers: [{ name: 'x', value: 'y' }] }],
          backendRefs: [{ name: 's', port: 80 }],
        },
        { backendRefs: [{ name: 's', port: 80, weight: 9 }] },
      ],
    },
  }),
};

const namespaceOf = (service: number) => `ns-${service % size.namespaces}`;
const addressOf = (service: number, pod: number) => `10.${service >> 8}.${service & 255}.${pod + 1}`;
const podName = (service: number, pod: number) => `svc-${service}-${pod}`;
const nodeOf = (service: number, pod: number) => `node-${(service + pod) % size.nodes}`;

function makeService(i: number): Service {
  const { metadata, spec } = templates.service;
  const clusterIP = `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
  return {
    ...templates.service,
    metadata: { ...metadata, namespace: namespaceOf(i), name: `svc-${i}` },
    spec: { ...spec, clusterIP, clusterIPs: [clusterIP] },
  };
}

function makePod(i: number, pod: number): Pod {
  const { metadata, spec } = templates.pod;
  const name = podName(i, pod);
  return {
    ...templates.pod,
    metadata: { ...metadata, namespace: namespaceOf(i), name, uid: `uid-${name}` },
    spec: { ...spec, nodeName: nodeOf(i, pod) },
    status: { phase: 'Running', podIP: addressOf(i, pod) },
  };
}

/** The slice of a Service; one more change of it each time that `unready` differs. */
function makeSlice(i: number, unready = -1): EndpointSlice {
  const namespace = namespaceOf(i);
  return {
    ...templates.slice,
    metadata: { namespace, name: `svc-${i}-a`, labels: { 'kubernetes.io/service-name': `svc-${i}` } },
    endpoints: Array.from({ length: size.endpointsPerService }, (_, pod) => ({
      addresses: [addressOf(i, pod)],
      conditions: { ready: pod !== unready, serving: true, terminating: false },
      nodeName: nodeOf(i, pod),
      targetRef: { kind: 'Pod', namespace, name: podName(i, pod) },
    })),
  };
}

/** A route of every second Service, to that Service and the next one of the namespace. */
function makeRoute(r: number, weight = 1): HTTPRoute {
  const i = (r * 2) % size.services;
  const { metadata, spec } = templates.route;
  const names = [`svc-${i}`, `svc-${(i + size.namespaces) % size.services}`];
  return {
    ...templates.route,
    metadata: { ...metadata, namespace: namespaceOf(i), name: `route-${r}` },
    spec: {
      ...spec,
      parentRefs: (spec.parentRefs ?? []).map((parentRef) => ({ ...parentRef, name: `svc-${i}` })),
      rules: (spec.rules ?? []).map((rule) => ({
        ...rule,
        backendRefs: names.flatMap((name) => (rule.backendRefs ?? []).map((ref) => ({ ...ref, name, weight }))),
      })),
    },
  };
}

function* cluster(): Generator<KubernetesObject> {
  for (let n = 0; n < size.namespaces; n++) {
    yield decoded({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: `ns-${n}`, labels: { 'tulle.dev/mesh': 'enabled' } },
    });
  }
  for (let n = 0; n < size.nodes; n++) {
    const labels = { 'topology.kubernetes.io/zone': `zone-${n % 3}` };
    yield decoded({ apiVersion: 'v1', kind: 'Node', metadata: { name: `node-${n}`, labels } });
  }
  for (let i = 0; i < size.services; i++) {
    yield makeService(i);
    yield makeSlice(i);
    for (let pod = 0; pod < size.endpointsPerService; pod++) yield makePod(i, pod);
  }
  for (let r = 0; r < size.routes; r++) yield makeRoute(r);
}

const set = (object: KubernetesObject): TranslationChange => ({ type: 'set', object });

/** How long something took, by the clock, and how much of the processor with all of the process's threads. */
interface Took {
  readonly wallMs: number;
  readonly cpuMs: number;
}

function measure(run: () => void): Took {
  const start = performance.now();
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000 };
}

interface Timing {
  readonly median: Took;
  readonly max: Took;
}

/** Applies single changes one after the other; each must be seen in `count` of its update. */
function timeChanges(
  translator: IncrementalTranslator,
  change: (i: number) => TranslationChange,
  count: (update: TranslationUpdate) => number,
): Timing {
  const times = Array.from({ length: singleChanges }, (_, i) => {
    const one = change(i);
    let seen = 0;
    const took = measure(() => (seen = count(translator.apply([one], now))));
    if (seen !== 1) throw new Error(`change ${i} was seen ${seen} times`);
    return took;
  });
  const at = (share: number): Took => {
    const place = Math.min(times.length - 1, Math.floor(times.length * share));
    const sorted = (field: keyof Took) => times.map((took) => took[field]).sort((a, b) => a - b)[place] ?? 0;
    return { wallMs: sorted('wallMs'), cpuMs: sorted('cpuMs') };
  };
  return { median: at(0.5), max: at(1) };
}

function inWords({ median, max }: Timing): string {
  const words = ({ wallMs, cpuMs }: Took) => `${wallMs.toFixed(3)} ms (processor ${cpuMs.toFixed(3)} ms)`;
  return `median ${words(median)}, at most ${words(max)}`;
}

function main(): void {
  const objects = [...cluster()];
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const { services, endpointsPerService, routes } = size;
  print(`${services} Services, ${services * endpointsPerService} endpoints with their pods, ${routes} routes`);

  const full = measure(() => {
    const { state } = translate({ objects, settings, now });
    if (state.services.size !== services || state.routes.size === 0) throw new Error('the translation is not whole');
  });
  print(`full translation: ${full.wallMs.toFixed(0)} ms (processor ${full.cpuMs.toFixed(0)} ms)`);

  const translator = new IncrementalTranslator(settings);
  translator.apply(objects.map(set), now);
  const slices = timeChanges(
    translator,
    (i) => set(makeSlice(i * 37, i % endpointsPerService)),
    ({ delta }) => delta.endpoints.changed.size,
  );
  print(`one changed slice: ${inWords(slices)}`);
  const changedRoutes = timeChanges(
    translator,
    (i) => set(makeRoute(i * 7, i + 2)),
    ({ delta }) => delta.routes.changed.size,
  );
  print(`one changed route: ${inWords(changedRoutes)}`);

  const rssMiB = process.resourceUsage().maxRSS / 1024;
  print(`memory of the process at its peak, objects included: ${rssMiB.toFixed(0)} MiB`);
  const keeps = ({ wallMs, cpuMs }: Took, limitMs: number) => wallMs <= limitMs && cpuMs <= limitMs;
  const isKept = keeps(full, limits.fullMs) && keeps(slices.max, limits.sliceMs) && rssMiB <= limits.maxRssMiB;
  print(isKept ? 'within the limits' : `limits: ${JSON.stringify(limits)}`);
  process.exitCode = isKept ? 0 : 1;
}

main();
