import { describe, expect, it } from '@jest/globals';
import { decodeObject } from '@tulle/gateway-api';
import type { Service } from '@tulle/gateway-api';
import { portRules, slicesOf } from './endpoints.ts';
import type { ServedPod } from './endpoints.ts';

function service(spec: object): Service {
  const decoded = decodeObject({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'cart', namespace: 'shop' },
    spec,
  });
  if (!decoded.ok || decoded.value.kind !== 'Service') throw new Error('no Service');
  return decoded.value;
}

const http = (containerPort: number) => ({ name: 'http', containerPort, protocol: 'TCP' }) as const;

function pod(name: string, ip: string, more: Partial<ServedPod> = {}): ServedPod {
  return {
    namespace: 'shop',
    name,
    uid: `uid-${name}`,
    ip,
    nodeName: 'n1',
    labels: { app: 'cart' },
    ports: [http(8080)],
    ready: true,
    terminating: false,
    hostname: undefined,
    subdomain: undefined,
    ...more,
  };
}

const cart = service({
  selector: { app: 'cart' },
  ports: [{ name: 'web', port: 80, targetPort: 'http', appProtocol: 'http' }],
});

describe('slicesOf', () => {
  it("selects pods of the Service's namespace by their labels", () => {
    const pods = [
      pod('a', '10.244.1.2'),
      pod('b', '10.244.1.3', { namespace: 'qa' }),
      pod('c', '10.244.1.4', { labels: {} }),
    ];
    const [slice] = slicesOf(cart, pods);
    expect(slice?.endpoints.map((each) => each.targetRef?.name)).toEqual(['a']);
    expect(slice?.ports).toEqual([{ name: 'web', protocol: 'TCP', port: 8080, appProtocol: 'http' }]);
    expect(slice?.metadata.labels?.['kubernetes.io/service-name']).toBe('cart');
  });

  it('puts pods whose named port is at another number into a slice of their own', () => {
    const slices = slicesOf(cart, [
      pod('a', '10.244.1.2'),
      pod('b', '10.244.1.3', { ports: [http(9090)] }),
      pod('c', '10.244.1.4'),
    ]);
    expect(slices.map((slice) => [slice.ports?.[0]?.port, slice.endpoints.length])).toEqual([
      [8080, 2],
      [9090, 1],
    ]);
    expect(new Set(slices.map((slice) => slice.metadata.name)).size).toBe(2);
  });

  it('says which pods are ready and which are leaving', () => {
    const [slice] = slicesOf(cart, [
      pod('a', '10.244.1.2', { ready: false }),
      pod('b', '10.244.1.3', { terminating: true }),
    ]);
    expect(slice?.endpoints.map((each) => each.conditions)).toEqual([
      { ready: false, serving: false, terminating: false },
      { ready: false, serving: true, terminating: true },
    ]);
  });

  it('makes none for a Service without a selector', () => {
    expect(slicesOf(service({ ports: [{ port: 80 }] }), [pod('a', '10.244.1.2')])).toEqual([]);
  });
});

describe('portRules', () => {
  it('leads to the ready endpoints, each at the port that its pod serves', () => {
    const pods = [
      pod('a', '10.244.1.2'),
      pod('b', '10.244.1.3', { ports: [http(9090)] }),
      pod('c', '10.244.1.4', { ready: false }),
    ];
    expect(portRules(cart, '10.96.1.2', slicesOf(cart, pods))).toEqual([
      {
        name: 'shop/cart:web',
        clusterIP: '10.96.1.2',
        protocol: 'tcp',
        port: 80,
        endpoints: [
          { ip: '10.244.1.2', port: 8080 },
          { ip: '10.244.1.3', port: 9090 },
        ],
      },
    ]);
  });

  it('keeps TCP and UDP of one number apart', () => {
    const dns = service({
      selector: { app: 'cart' },
      ports: [
        { name: 'tcp', port: 53, protocol: 'TCP' },
        { name: 'udp', port: 53, protocol: 'UDP' },
      ],
    });
    const rules = portRules(dns, '10.96.1.2', slicesOf(dns, [pod('a', '10.244.1.2')]));
    expect(rules.map((rule) => [rule.protocol, rule.endpoints])).toEqual([
      ['tcp', [{ ip: '10.244.1.2', port: 53 }]],
      ['udp', [{ ip: '10.244.1.2', port: 53 }]],
    ]);
  });

  it('has a rule without endpoints for a port that nobody serves', () => {
    expect(portRules(cart, '10.96.1.2', [])).toMatchObject([{ port: 80, endpoints: [] }]);
  });

  it('is not misled by a slice whose addresses are not what it says', () => {
    const slice = slicesOf(cart, [pod('a', '10.244.1.2; -j ACCEPT')]);
    expect(portRules(cart, '10.96.1.2', slice)[0]?.endpoints).toEqual([]);
  });
});
