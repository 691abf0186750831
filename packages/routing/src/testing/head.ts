import type { HeaderBlock, RequestHead } from '@tulle/core';

/** Header fields in order, as a block of a buffer with other bytes around them. */
export function headerBlock(fields: readonly (readonly [string, string])[], lead = ''): HeaderBlock {
  const ranges = new Int32Array(fields.length * 4);
  let text = lead;
  fields.forEach(([name, value], i) => {
    const start = Buffer.byteLength(text);
    const nameEnd = start + Buffer.byteLength(name);
    const valueStart = nameEnd + 2;
    ranges.set([start, nameEnd, valueStart, valueStart + Buffer.byteLength(value)], i * 4);
    text += `${name}: ${value}\r\n`;
  });
  return { buffer: Buffer.from(text), count: fields.length, ranges };
}

/** A request's head, as a codec would give it. `target` is path and query. */
export function requestHead(
  target: string,
  options: { method?: string; host?: string; headers?: readonly (readonly [string, string])[] } = {},
): RequestHead {
  const { method = 'GET', host = 'cart.shop', headers = [] } = options;
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark + 1);
  const lead = `${method} ${target}`;
  const methodEnd = Buffer.byteLength(method);
  const pathStart = methodEnd + 1;
  const pathEnd = pathStart + Buffer.byteLength(path);
  const fields: (readonly [string, string])[] = host === '' ? [...headers] : [['Host', host], ...headers];
  const block = headerBlock(fields, lead);
  return {
    headers: block,
    methodStart: 0,
    methodEnd,
    pathStart,
    pathEnd,
    queryStart: mark < 0 ? -1 : pathEnd + 1,
    queryEnd: mark < 0 ? -1 : pathEnd + 1 + Buffer.byteLength(query),
    authorityStart: host === '' ? 0 : (block.ranges[2] as number),
    authorityEnd: host === '' ? 0 : (block.ranges[3] as number),
  };
}
