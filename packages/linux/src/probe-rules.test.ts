import { describe, expect, it } from '@jest/globals';
import { probeRules } from './probe-rules.ts';

describe('the rules for probes', () => {
  it('exempt only connections of the node itself, to the pods named', () => {
    const rules = probeRules(['10.244.1.2', 'fd00::1'], false);
    expect(rules).toContain('-I POSTROUTING 1 -p tcp -m owner --socket-exists -j TULLE_PROBES');
    expect(rules.match(/^-A TULLE_PROBES .*$/gm)).toEqual([
      '-A TULLE_PROBES -d 10.244.1.2/32 -p tcp -j SNAT --to-source 169.254.7.127',
    ]);
  });

  it('add the jump once', () => {
    expect(probeRules([], true)).not.toContain('-I ');
  });
});
