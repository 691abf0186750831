import { describe, expect, it } from '@jest/globals';
import { playgroundPaths } from '../paths.ts';
import { nodes } from './addresses.ts';
import { fabricBatch, nodeBatch, podBatch, podLinkBatch, podLinkName } from './topology.ts';

describe('topology', () => {
  const paths = playgroundPaths('test', '/run/x');

  it('makes every link from inside a namespace of the playground into another one', () => {
    const links = fabricBatch(paths).match(/^link add .* type veth .*$/gm);
    expect(links).toEqual(
      nodes.map(({ name }) => `link add ${name} type veth peer name eth0 netns ${paths.netnsPrefix}${name}`),
    );
  });

  it("leads to the other nodes' pods through their nodes, and everything else to the fabric", () => {
    expect(nodeBatch(nodes[0])).toContain('route add 10.244.2.0/24 via 10.89.0.12\n');
    expect(nodeBatch(nodes[0])).not.toContain('10.244.1.0/24 via');
    expect(nodeBatch(nodes[0])).toContain('route add default via 10.89.0.1\n');
  });

  it('connects a pod by a route of its own', () => {
    const pod = { node: nodes[1], netns: 'tulle-x-pod', ip: '10.244.2.9' };
    expect(podLinkBatch(pod)).toContain('link add pod2-9 type veth peer name eth0 netns tulle-x-pod\n');
    expect(podLinkBatch(pod)).toContain('route add 10.244.2.9/32 dev pod2-9\n');
    expect(podBatch(pod)).toContain('route add default via 10.244.2.1\n');
  });

  it('names links within the 15 bytes that the kernel allows', () => {
    expect(podLinkName('10.244.255.255').length).toBeLessThanOrEqual(15);
  });
});
