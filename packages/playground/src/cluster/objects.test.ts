import { describe, expect, it } from '@jest/globals';
import { decodeObject } from '@tulle/gateway-api';
import { namespaceObject, nodeObjects, objectFiles, podObject } from './objects.ts';
import type { PodView } from './objects.ts';

const view: PodView = {
  namespace: 'shop',
  name: 'web-0123456789-abcde',
  uid: '11111111-2222-4333-8444-555555555555',
  labels: { app: 'web' },
  annotations: {},
  createdAt: '2030-01-01T00:00:00.000Z',
  deletedAt: undefined,
  owner: { name: 'web', uid: 'u', hash: '0123456789' },
  containers: [{ name: 'web', ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }] }],
  serviceAccountName: 'web',
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 5,
  hostname: undefined,
  subdomain: undefined,
  node: { name: 'n1', address: '10.89.0.11' },
  ip: '10.244.1.2',
  phase: 'Running',
  ready: true,
};

describe('podObject', () => {
  it('shows where the pod is, whether it is ready, and who made it', () => {
    expect(podObject(view)).toMatchObject({
      metadata: {
        labels: { app: 'web', 'pod-template-hash': '0123456789' },
        ownerReferences: [{ kind: 'ReplicaSet', name: 'web-0123456789' }],
      },
      spec: { nodeName: 'n1', serviceAccountName: 'web' },
      status: {
        phase: 'Running',
        podIP: '10.244.1.2',
        podIPs: [{ ip: '10.244.1.2' }],
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    });
  });

  it('has only phases of the API', () => {
    expect(podObject({ ...view, phase: 'CrashLoopBackOff', ready: false }).status).toMatchObject({ phase: 'Running' });
    expect(
      podObject({ ...view, phase: 'Terminating', deletedAt: '2030-01-01T00:00:09.000Z' }).metadata.deletionTimestamp,
    ).toBe('2030-01-01T00:00:09.000Z');
  });

  it('is what the controller accepts, as are the nodes and namespaces', () => {
    for (const object of [podObject(view), ...nodeObjects(), namespaceObject('shop', { a: 'b' })]) {
      expect(decodeObject(JSON.parse(JSON.stringify(object)))).toMatchObject({ ok: true });
    }
  });
});

describe('objectFiles', () => {
  it('gives every object a file name of its own, within the length that file systems allow', () => {
    const long = 'x'.repeat(253);
    const files = objectFiles([
      podObject(view),
      podObject({ ...view, namespace: 'shop-web', name: 'x' }),
      podObject({ ...view, namespace: 'shop', name: 'web-x' }),
      podObject({ ...view, name: `${long}a` }),
      podObject({ ...view, name: `${long}b` }),
    ]);
    expect(files.size).toBe(5);
    for (const name of files.keys()) expect(name.length).toBeLessThanOrEqual(240);
  });
});
