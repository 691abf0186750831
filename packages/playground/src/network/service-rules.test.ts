import { describe, expect, it } from '@jest/globals';
import { hooksText, serviceRulesText } from './service-rules.ts';

const port = { name: 'shop/cart:http', clusterIP: '10.96.1.2', protocol: 'tcp', port: 80 } as const;

describe('serviceRulesText', () => {
  it('gives each endpoint an equal share: one in three, then one in two, then the rest', () => {
    const endpoints = [1, 2, 3].map((last) => ({ ip: `10.244.1.${last}`, port: 8080 }));
    expect(serviceRulesText([{ ...port, endpoints }], [])).toBe(
      [
        '*nat',
        ':TULLE-SERVICES - [0:0]',
        ':TULLE-HAIRPIN - [0:0]',
        '-A TULLE-SERVICES -d 10.96.1.2/32 -p tcp --dport 80 -m comment --comment "shop/cart:http" -m statistic --mode random --probability 0.3333333333 -j DNAT --to-destination 10.244.1.1:8080',
        '-A TULLE-SERVICES -d 10.96.1.2/32 -p tcp --dport 80 -m comment --comment "shop/cart:http" -m statistic --mode random --probability 0.5000000000 -j DNAT --to-destination 10.244.1.2:8080',
        '-A TULLE-SERVICES -d 10.96.1.2/32 -p tcp --dport 80 -m comment --comment "shop/cart:http" -j DNAT --to-destination 10.244.1.3:8080',
        'COMMIT',
        '*filter',
        ':TULLE-REJECT - [0:0]',
        'COMMIT',
        '',
      ].join('\n'),
    );
  });

  it('refuses a port without endpoints, and translates nothing for it', () => {
    const text = serviceRulesText([{ ...port, protocol: 'udp', endpoints: [] }], []);
    expect(text).not.toContain('DNAT');
    expect(text).toContain(
      '-A TULLE-REJECT -d 10.96.1.2/32 -p udp --dport 80 -m comment --comment "shop/cart:http" -j REJECT\n',
    );
  });

  it('hides a source address only from the pod whose own it is', () => {
    const text = serviceRulesText([], ['10.244.1.5']);
    expect(text.match(/MASQUERADE/g)).toHaveLength(1);
    expect(text).toContain('-A TULLE-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -j MASQUERADE\n');
  });

  it('leads traffic of pods and of the node itself into the chains', () => {
    expect(hooksText).toContain('-A PREROUTING -j TULLE-SERVICES\n-A OUTPUT -j TULLE-SERVICES\n');
    for (const chain of ['INPUT', 'FORWARD', 'OUTPUT']) expect(hooksText).toContain(`-A ${chain} -j TULLE-REJECT\n`);
  });
});
