/* integration stand-in */
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshSnapshot } from './mesh-snapshot.ts';
import type { MeshSettings, Workload, MeshService, ServiceEndpoints, ServiceRoutes, HttpRouteTable, HttpRule, HttpMatchEntry, Endpoint } from '@tulle/ir';
export function translateStore(store: ObjectStore, settings: MeshSettings): MeshSnapshot {
  const workloads = new Map<string, Workload>(), services = new Map<string, MeshService>(), endpoints = new Map<string, ServiceEndpoints>(), routes = new Map<string, ServiceRoutes>();
  const ns = new Map<string, any>(); for (const n of store.ofKind('Namespace')) ns.set(n.metadata.name, n);
  for (const p of store.ofKind('Pod') as any) {
    const ip = p.status?.podIP; if (!ip) continue; const namespace = p.metadata.namespace;
    const l = p.metadata.labels?.['tulle.dev/mesh'] ?? ns.get(namespace)?.metadata.labels?.['tulle.dev/mesh'];
    const sa = p.spec.serviceAccountName ?? 'default';
    workloads.set(`${namespace}/${p.metadata.name}`, { uid: p.metadata.uid, namespace, name: p.metadata.name, node: p.spec.nodeName, addresses: [ip], workloadName: p.metadata.ownerReferences?.[0]?.name ?? p.metadata.name, serviceAccount: sa, identity: `spiffe://${settings.trustDomain}/ns/${namespace}/sa/${sa}`, mesh: l === 'enabled' ? { state: 'in' } : { state: 'out', reason: 'not labelled' }, mtlsMode: settings.mtlsMode, opaquePorts: [], zone: '' });
  }
  const byRoute = new Map<string, any[]>();
  for (const r of store.ofKind('HTTPRoute') as any) for (const pr of r.spec.parentRefs ?? []) { if (pr.kind !== 'Service') continue; const k = `${pr.namespace ?? r.metadata.namespace}/${pr.name}`; byRoute.set(k, [...(byRoute.get(k) ?? []), { r, pr }]); }
  for (const s of store.ofKind('Service') as any) {
    const { namespace, name } = s.metadata; const key = `${namespace}/${name}`; const ip = s.spec.clusterIP; if (!ip || ip === 'None') continue;
    const attached = byRoute.get(key) ?? [];
    services.set(key, { namespace, name, clusterIPs: [ip], trafficDistribution: 'any', ports: s.spec.ports.filter((p: any) => (p.protocol ?? 'TCP') === 'TCP').map((p: any) => ({ port: p.port, name: p.name ?? '', protocol: p.appProtocol === 'http' ? 'http' : p.appProtocol === 'tcp' ? 'tcp' : 'detect', routeKind: attached.some((a) => a.pr.port === undefined || a.pr.port === p.port) ? 'http' : 'none' })) });
    const eps: ServiceEndpoints['ports'][number][] = [];
    for (const p of s.spec.ports) { const list: Endpoint[] = []; for (const sl of store.ofKind('EndpointSlice') as any) { if (sl.metadata.namespace !== namespace || sl.metadata.labels?.['kubernetes.io/service-name'] !== name) continue; const sp = sl.ports?.find((x: any) => (x.name ?? '') === (p.name ?? '')); if (!sp) continue; for (const e of sl.endpoints ?? []) for (const a of e.addresses) list.push({ address: a, port: sp.port, ready: e.conditions?.ready !== false, ...(e.targetRef ? { workload: `${namespace}/${e.targetRef.name}` } : {}), ...(e.nodeName ? { node: e.nodeName } : {}) }); } eps.push({ port: p.port, endpoints: list }); }
    endpoints.set(key, { namespace, name, ports: eps });
    for (const p of s.spec.ports) {
      const mine = attached.filter((a) => a.pr.port === undefined || a.pr.port === p.port); if (mine.length === 0) continue;
      const rules: HttpRule[] = []; const ms: (HttpMatchEntry & { rank: number })[] = [];
      for (const { r } of mine) (r.spec.rules ?? []).forEach((ru: any, i: number) => {
        const idx = rules.length;
        rules.push({ route: `HTTPRoute/${r.metadata.namespace}/${r.metadata.name}`, index: i, filters: [], backends: (ru.backendRefs ?? []).map((b: any) => ({ target: { type: 'service', service: `${b.namespace ?? r.metadata.namespace}/${b.name}`, port: b.port }, weight: b.weight ?? 1, filters: [] })) });
        for (const m of ru.matches ?? [{}]) ms.push({ rule: idx, rank: (m.headers?.length ?? 0) + (m.path?.value?.length ?? 0) * 100, match: { path: { type: m.path?.type === 'Exact' ? 'exact' : 'prefix', value: m.path?.value ?? '/' }, ...(m.method ? { method: m.method } : {}), headers: (m.headers ?? []).map((h: any) => ({ name: h.name.toLowerCase(), match: { type: 'exact', value: h.value } })), queryParams: [] } });
      });
      ms.sort((a, b) => b.rank - a.rank);
      const table: HttpRouteTable = { rules, matches: ms.map(({ rule, match }) => ({ rule, match })) };
      routes.set(`${key}:${p.port}`, { namespace, name, port: p.port, producer: { kind: 'http', table }, consumers: {} });
    }
  }
  return { state: { settings, workloads, services, endpoints, routes }, routeStatuses: new Map(), problems: [] };
}
