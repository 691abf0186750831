import { describe, expect, it } from '@jest/globals';
import { Fields } from './fields.ts';
import type { FieldProblem } from './fields.ts';
import { decodePodSpec } from './pod-spec.ts';

function decode(spec: unknown) {
  const problems: FieldProblem[] = [];
  return { spec: decodePodSpec(new Fields(spec, 'spec', problems)), problems };
}

const web = { name: 'web', image: 'ignored', command: ['node', 'web.mjs'], resources: { limits: { cpu: 1 } } };

/** The problems of a pod with one container that has these fields, too. */
const problemsOf = (container: object, spec: object = {}) =>
  decode({ ...spec, containers: [{ ...web, ...container }] }).problems;

describe('decodePodSpec', () => {
  it('fills in defaults and ignores what has no meaning in a playground', () => {
    const { spec, problems } = decode({ containers: [web], tolerations: [{}] });
    expect(problems).toEqual([]);
    expect(spec).toMatchObject({
      serviceAccountName: 'default',
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
    });
  });

  it('asks for a command, and says why', () => {
    expect(problemsOf({ command: [] })).toEqual([
      { path: 'spec.containers[0].command', message: expect.stringContaining('there is no entrypoint to run') },
    ]);
  });

  it.each([
    [{ startupProbe: {} }, {}, 'spec.containers[0].startupProbe'],
    [{ lifecycle: {} }, {}, 'spec.containers[0].lifecycle'],
    [{ readinessProbe: { grpc: { port: 1 } } }, {}, 'spec.containers[0].readinessProbe.grpc'],
    [{ ports: [{ containerPort: 1, protocol: 'SCTP' }] }, {}, 'spec.containers[0].ports[0].protocol'],
    [{}, { hostNetwork: true }, 'spec.hostNetwork'],
    [{}, { nodeName: 'n9' }, 'spec.nodeName'],
    [{}, { volumes: [{ name: 'v', secret: { secretName: 's' } }] }, 'spec.volumes[0].secret'],
    [{}, { volumes: [{ name: 'v', persistentVolumeClaim: {} }] }, 'spec.volumes[0].persistentVolumeClaim'],
    [{ volumeMounts: [{ name: 'v', mountPath: '/a' }] }, {}, 'spec.containers[0].volumeMounts[0].name'],
    [
      { volumeMounts: [{ name: 'v', mountPath: '/' }] },
      { volumes: [{ name: 'v', emptyDir: {} }] },
      'spec.containers[0].volumeMounts[0].mountPath',
    ],
    [
      { volumeMounts: [{ name: 'v', mountPath: '/a/../b' }] },
      { volumes: [{ name: 'v', emptyDir: {} }] },
      'spec.containers[0].volumeMounts[0].mountPath',
    ],
    [
      { securityContext: { capabilities: { add: ['all,+sys_admin'] } } },
      {},
      'spec.containers[0].securityContext.capabilities.add',
    ],
    [{ readinessProbe: { httpGet: { port: 80, path: '/a b' } } }, {}, 'spec.containers[0].readinessProbe.httpGet.path'],
  ])('names what it cannot do: %j %j', (container, spec, path) => {
    expect(problemsOf(container, spec).map((problem) => problem.path)).toEqual([path]);
  });

  it('finds every problem at once', () => {
    expect(problemsOf({ command: 'node', lifecycle: {} }, { hostPID: true }).map((problem) => problem.path)).toEqual([
      'spec.containers[0].command',
      'spec.containers[0].command',
      'spec.containers[0].lifecycle',
      'spec.hostPID',
    ]);
  });

  it('reads probes with their defaults, and ports by name', () => {
    const { spec } = decode({ containers: [{ ...web, readinessProbe: { httpGet: { port: 'http' } } }] });
    expect(spec.containers[0]?.readinessProbe).toEqual({
      action: { kind: 'httpGet', path: '/', port: 'http', headers: [] },
      initialDelaySeconds: 0,
      periodSeconds: 10,
      timeoutSeconds: 1,
      successThreshold: 1,
      failureThreshold: 3,
    });
  });

  it('reads capabilities as Kubernetes writes them', () => {
    const { spec } = decode({
      containers: [{ ...web, securityContext: { capabilities: { add: ['CAP_NET_ADMIN'], drop: ['ALL'] } } }],
    });
    expect(spec.containers[0]).toMatchObject({ addCapabilities: ['net_admin'], dropCapabilities: ['all'] });
  });
});
