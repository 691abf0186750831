import { CodedError } from '@tulle/core';

const newline = 0x0a;

/**
 * Splits a stream of bytes into the JSON documents that its lines are. A line over `maxLineBytes` or one that is no JSON
 * throws a {@link CodedError} `BadStream`: what follows could not be trusted.
 */
export async function* jsonLines(stream: AsyncIterable<Uint8Array>, maxLineBytes: number): AsyncGenerator {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      parts.push(chunk.subarray(start, end));
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      length = 0;
      start = end + 1;
      if (line.trim() !== '') yield parse(line);
    }
    if (start === chunk.length) continue;
    length += chunk.length - start;
    if (length > maxLineBytes) throw new CodedError('BadStream', `a line is longer than ${maxLineBytes} bytes`);
    parts.push(chunk.subarray(start));
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new CodedError('BadStream', 'a line is no JSON', { cause });
  }
}
