import { describe, expect, it } from '@jest/globals';
import { planSandbox, resolvConf, sandboxArguments } from './sandbox-plan.ts';
import type { PathType, PodMount } from './sandbox-plan.ts';

const machine: { readonly [path: string]: PathType } = {
  '/etc': 'directory',
  '/etc/hosts': 'file',
  '/usr': 'directory',
  '/usr/share': 'directory',
  '/data': 'directory',
};
const typeOf = (path: string): PathType => machine[path] ?? 'none';
const directory = (target: string): PodMount => ({
  source: `/state${target}`,
  target,
  type: 'directory',
  readOnly: false,
});

describe('planSandbox', () => {
  it('mounts over what the machine has', () => {
    const hosts: PodMount = { source: '/state/hosts', target: '/etc/hosts', type: 'file', readOnly: false };
    expect(planSandbox([hosts, directory('/data')], typeOf)).toMatchObject({ ownRoot: false, layers: [] });
  });

  it('lays something over the closest directory for what the machine does not have', () => {
    const plan = planSandbox([directory('/usr/share/shop/files'), directory('/etc/shop')], typeOf);
    expect(plan).toMatchObject({ ownRoot: false, layers: ['/etc', '/usr/share'] });
  });

  it('gives the pod a root of its own for what would be in the root', () => {
    expect(planSandbox([directory('/config')], typeOf)).toMatchObject({ ownRoot: true, layers: [] });
  });

  it('takes a file where a directory is wanted for something that is not there', () => {
    expect(planSandbox([directory('/etc/hosts')], typeOf).layers).toEqual(['/etc']);
  });

  it('makes what is below another mount in there, after it', () => {
    const plan = planSandbox([directory('/data/deep/er'), directory('/data')], typeOf);
    expect(plan).toMatchObject({ ownRoot: false, layers: [] });
    expect(plan.mounts.map((mount) => mount.target)).toEqual(['/data', '/data/deep/er']);
  });
});

describe('sandboxArguments', () => {
  it('hands everything over as words, never as a script', () => {
    const mount: PodMount = { source: '/a b', target: '/data; rm', type: 'directory', readOnly: true };
    expect(sandboxArguments('web', '/stage', { ownRoot: true, layers: ['/etc'], mounts: [mount] })).toEqual([
      'web',
      '/stage',
      'root',
      '/etc',
      '--',
      'directory',
      'ro',
      '/a b',
      '/data; rm',
      'keep',
    ]);
  });
});

describe('resolvConf', () => {
  it("searches the pod's own namespace first", () => {
    expect(resolvConf('shop', '10.96.0.10')).toContain(
      'search shop.svc.cluster.local svc.cluster.local cluster.local\n',
    );
  });
});
