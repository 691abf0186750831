import { clientHello, extension, records, serverNameList } from '../test/client-hellos.ts';
import { cut, everySplit } from '../test/http1-events.ts';
import { ClientHelloReader } from '../src/tls/index.ts';
import type { FuzzTarget } from './target.ts';

function outcome(pieces: readonly Buffer[]): string {
  const reader = new ClientHelloReader();
  for (const piece of pieces) {
    if (reader.state !== 'reading') break;
    const at = reader.read(piece, 0, piece.length);
    if (at > piece.length) throw new Error(`read to ${at} of ${piece.length} bytes`);
    if (reader.state === 'reading' && at < piece.length) throw new Error(`stopped at ${at} of ${piece.length} bytes`);
  }
  return JSON.stringify([reader.state, reader.failure, reader.serverName]);
}

function same(input: Buffer, cuts: Iterable<readonly Buffer[]>): string {
  const whole = outcome([input]);
  for (const pieces of cuts) {
    const other = outcome(pieces);
    if (other !== whole)
      throw new Error(`cut at ${pieces.map((piece) => piece.length).join(' ')}: ${other} not ${whole}`);
  }
  return whole;
}

export const tlsTargets: readonly FuzzTarget[] = [
  {
    name: 'client-hello',
    corpus: 'tls',
    words: [
      records(clientHello({ serverName: 'a.b' })),
      extension(0, serverNameList('cart.example')),
      extension(0x1a1a, Buffer.alloc(0)),
      Buffer.of(22, 3, 1, 0, 1),
      Buffer.of(22, 3, 3),
      Buffer.of(0xff, 0xff),
      Buffer.of(0, 0),
    ],
    run: (input, places) => same(input, [cut(input, places)]),
    replay: (input) => void same(input, everySplit(input)),
  },
];
