import { cut, everySplit } from '../test/http1-events.ts';
import { End, frame, frameLines, getHeaders, okHeaders, postHeaders, uint32 } from '../test/http2-ends.ts';
import { HeaderScratch, HpackDecoder, HpackEncoder, HpackError } from '../src/hpack/index.ts';
import { clientPreface } from '../src/http2/index.ts';
import type { FuzzTarget } from './target.ts';

const words = [
  clientPreface,
  frame(0, 1, 1, Buffer.from('data')),
  frame(0, 8, 1, [3, 0, 0, 0, 0]),
  frame(1, 5, 1, getHeaders),
  frame(1, 5, 3, getHeaders),
  frame(1, 4, 5, postHeaders),
  frame(1, 0, 7, getHeaders.subarray(0, 2)),
  frame(9, 4, 7, getHeaders.subarray(2)),
  frame(1, 5, 1, okHeaders),
  frame(2, 0, 1, [0, 0, 0, 0, 1]),
  frame(3, 0, 1, uint32(8)),
  frame(4, 0, 0),
  frame(4, 1, 0),
  frame(4, 0, 0, [0, 4, 0, 0, 0, 0]),
  frame(4, 0, 0, [0, 1, 0, 0, 0, 0]),
  frame(6, 0, 0, Buffer.alloc(8)),
  frame(7, 0, 0, Buffer.alloc(8)),
  frame(8, 0, 0, uint32(0x7fffffff)),
  frame(8, 0, 1, uint32(1)),
  frame(200, 255, 1, [1]),
  Buffer.of(0xff, 0xff, 0xff),
  Buffer.of(0x3f, 0xe1, 0x1f),
  Buffer.of(0x80),
];

/** More than this is never held for a peer that sends little. */
const maxOutputBytes = 1 << 20;

/** An end that answers: a server every request, with what it is sent; a client has two requests under way. */
function answeringEnd(role: 'client' | 'server'): End {
  const end = new End(role);
  const { recorder, connection } = end;
  connection.start();
  if (role === 'client') {
    connection.openStream(getHeaders, true, 'plain');
    connection.openStream(postHeaders, false, 'plain');
    return end;
  }
  recorder.onRequest = (stream, _headers, endStream) => {
    if (!stream.closed) stream.sendHeaders(okHeaders, endStream);
  };
  recorder.afterEnd = (stream) => {
    if (!stream.closed && !stream.localEnded) stream.end();
  };
  return end;
}

function happened(role: 'client' | 'server', pieces: readonly Buffer[]): { events: string[]; sent: string[] } {
  const end = answeringEnd(role);
  for (const piece of pieces) if (piece.length > 0) end.connection.receive(Buffer.from(piece));
  const bytes = end.takeSent();
  if (bytes.length > maxOutputBytes) throw new Error(`${bytes.length} bytes were sent`);
  // Also a check that what we send is made of whole frames. How much window is given back at once may differ.
  const sent = frameLines(role === 'client' ? bytes.subarray(clientPreface.length) : bytes);
  const events = [...end.events];
  end.connection.destroy();
  return { events, sent: sent.filter((line) => !line.startsWith('WINDOW_UPDATE')) };
}

function sameHoweverCut(role: 'client' | 'server', input: Buffer, cuts: Iterable<readonly Buffer[]>): string {
  const whole = happened(role, [input]);
  const wanted = JSON.stringify(whole);
  for (const pieces of cuts) {
    const now = JSON.stringify(happened(role, pieces));
    if (now !== wanted)
      throw new Error(`cut at ${pieces.map((piece) => piece.length).join(' ')}: ${now} not ${wanted}`);
  }
  return [...whole.events, ...whole.sent]
    .map((line) => line.replaceAll(/ .*/g, ''))
    .join(' ')
    .slice(0, 200);
}

function decodesAgain(input: Buffer): string {
  const decoder = new HpackDecoder({ maxTableSize: 4096, maxListBytes: 16_384, maxFields: 100 });
  const into = new HeaderScratch();
  let kinds = '';
  // The first byte of a part is its length: a connection has many blocks, and one table.
  for (let at = 0; at < input.length;) {
    const end = Math.min(input.length, at + 1 + (input[at] as number));
    let fits: boolean;
    try {
      fits = decoder.decode(input, at + 1, end, into);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      return `${kinds} ${error.message.replaceAll(/\d+/g, 'N')}`;
    }
    if (decoder.tableSize > 4096) throw new Error(`the table grew to ${decoder.tableSize}`);
    if (fits) encodesAlike(into);
    kinds += `${fits}${Math.min(into.count, 3)}`;
    at = end;
  }
  return kinds;
}

/** What was decoded, encoded and decoded once more, is the same. */
function encodesAlike(fields: HeaderScratch): void {
  const encoder = new HpackEncoder();
  encoder.begin();
  for (let i = 0; i < fields.count; i++) encoder.addField(fields, i);
  const block = Buffer.from(encoder.finish());
  const again = new HeaderScratch();
  new HpackDecoder({ maxTableSize: 4096, maxListBytes: 16_384, maxFields: 100 }).decode(block, 0, block.length, again);
  const textOf = ({ buffer, ranges, count }: HeaderScratch): string =>
    JSON.stringify(
      Array.from({ length: count * 2 }, (_, i) => {
        const text = buffer.toString('latin1', ranges[i * 2], ranges[i * 2 + 1]);
        // The encoder writes names in lower case.
        return i % 2 === 0 ? text.toLowerCase() : text;
      }),
    );
  if (textOf(again) !== textOf(fields)) throw new Error(`${textOf(fields)} became ${textOf(again)}`);
}

const endTarget = (role: 'client' | 'server'): FuzzTarget => ({
  name: `http2-${role}`,
  corpus: `http2/${role}`,
  words,
  run: (input, places) => sameHoweverCut(role, input, [cut(input, places)]),
  replay: (input) => void sameHoweverCut(role, input, everySplit(input)),
});

export const http2Targets: readonly FuzzTarget[] = [
  endTarget('server'),
  endTarget('client'),
  {
    name: 'hpack',
    corpus: 'hpack',
    words: [...words.slice(-3), Buffer.of(0x40), Buffer.of(0x00), Buffer.of(0x10), Buffer.of(0x20), Buffer.of(0x82)],
    run: decodesAgain,
    replay: (input) => void decodesAgain(input),
  },
];
