import { describe, expect, it } from '@jest/globals';
import { listeningPorts } from './listening-ports.ts';

const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, state: string) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 0 0 1\n`;

describe('listeningPorts', () => {
  it('finds what listens for everybody or on an address of its own', () => {
    const table = header + row('00000000:1F90', '0A') + row('0201F40A:0050', '0A');
    expect([...listeningPorts(table)]).toEqual([8080, 80]);
  });

  it('leaves out connections, and what only loopback reaches', () => {
    const table = header + row('00000000:1F90', '01') + row('0100007F:0051', '0A') + row('0500007F:0052', '0A');
    expect([...listeningPorts(table)]).toEqual([]);
  });

  it('reads IPv6 in the same way', () => {
    const zero = '0'.repeat(32);
    const table =
      header +
      row(`${zero}:1F90`, '0A') +
      row(`${'0'.repeat(24)}01000000:0051`, '0A') +
      row(`${'0'.repeat(16)}FFFF00000100007F:0052`, '0A');
    expect([...listeningPorts(table)]).toEqual([8080]);
  });
});
