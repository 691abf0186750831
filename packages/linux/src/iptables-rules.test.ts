import { describe, expect, it } from '@jest/globals';
import { captureRules, jumps, presentJumps, releaseRules, removeRules } from './iptables-rules.ts';

const savedWithJumps = `*nat
:PREROUTING ACCEPT [0:0]
:TULLE_OUTPUT - [0:0]
${jumps.map(({ chain, rule }) => `-A ${chain} ${rule}`).join('\n')}
-A TULLE_OUTPUT -p tcp -j REDIRECT --to-ports 15001
COMMIT
`;

describe('the redirect rules of a pod', () => {
  it('look at connections that begin only, so that open ones are left alone', () => {
    for (const { rule } of jumps) expect(rule).toContain('--tcp-flags FIN,SYN,RST,ACK SYN');
  });

  it('never redirect the agent, loopback, or the tunnel port', () => {
    const lines = captureRules(jumps).split('\n');
    const before = (rule: string, redirect: string) => lines.indexOf(rule) < lines.indexOf(redirect);
    const outbound = '-A TULLE_OUTPUT -p tcp -j REDIRECT --to-ports 15001';
    const inbound = '-A TULLE_PREROUTING -p tcp -j REDIRECT --to-ports 15006';
    for (const rule of [
      '-A TULLE_OUTPUT -m mark --mark 0x7501/0xffff -j RETURN',
      '-A TULLE_OUTPUT -m mark --mark 0x7502/0xffff -j RETURN',
      '-A TULLE_OUTPUT -o lo -j RETURN',
    ]) {
      expect(lines).toContain(rule);
      expect(before(rule, outbound)).toBe(true);
    }
    const tunnel = '-A TULLE_PREROUTING -p tcp -m tcp --dport 15008 -j RETURN';
    expect(lines).toContain(tunnel);
    expect(before(tunnel, inbound)).toBe(true);
  });

  it('insert only the jumps that are missing, so that installing twice changes nothing', () => {
    expect(presentJumps(savedWithJumps)).toEqual(jumps);
    expect(captureRules([])).not.toContain('-I ');
    expect(captureRules(jumps).match(/^-I /gm)).toHaveLength(jumps.length);
  });

  it('leave one rule that uses conntrack when a pod is released, for its open connections', () => {
    expect(releaseRules()).toContain('--ctstate INVALID');
    expect(releaseRules()).not.toContain('REDIRECT');
  });

  it('remove only what is there', () => {
    expect(removeRules([])).not.toContain('-D ');
    expect(removeRules(jumps).match(/^-D /gm)).toHaveLength(jumps.length);
  });
});
