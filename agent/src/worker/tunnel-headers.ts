import { randomFillSync } from 'node:crypto';
import { encodeHeaderList, HpackEncoder } from '@tulle/wire';
import type { PodSpec } from '../ipc.ts';

const hexDigits = Buffer.from('0123456789abcdef');
/** `VERSION-TRACE-PARENT-FLAGS` (W3C Trace Context section 3.2): 16 and 8 random bytes, not sampled. */
const traceParent = `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`;
const traceIdAt = 3;
const parentIdAt = traceIdAt + 32 + 1;

/** A field of the answer 503 to CONNECT: says that the application did not answer, where it does not refuse. */
export const unansweredField = { name: Buffer.from('tulle-reason'), value: Buffer.from('connect-timeout') } as const;

/**
 * The header blocks of one pod's CONNECT requests: whom it speaks for (`forwarded`, RFC 7239), what it is (`baggage`, as
 * a ztunnel names it), and a trace of its own for each stream (`traceparent`). They are for logs at the other end: what
 * counts there is the certificate.
 */
export class TunnelHeaders {
  readonly #forwarded: string;
  readonly #baggage: string;
  /** What is the same in every stream to a destination. */
  readonly #byDestination = new Map<string, Buffer>();
  readonly #trace: Buffer;
  readonly #random = Buffer.alloc(24);

  constructor({
    addresses,
    name,
    namespace,
    workloadName,
  }: Pick<PodSpec, 'addresses' | 'name' | 'namespace' | 'workloadName'>) {
    const [address = ''] = addresses;
    this.#forwarded = `for=${address.includes(':') ? `"[${address}]"` : address}`;
    this.#baggage = [
      ['k8s.namespace.name', namespace],
      ['k8s.pod.name', name],
      ['service.name', workloadName],
    ]
      .map(([key, value]) => `${key}=${encodeURIComponent(value ?? '')}`)
      .join(',');
    // Without Huffman coding the value is the last bytes of the block, and can be written anew in place.
    const encoder = new HpackEncoder({ huffman: false });
    encoder.begin();
    encoder.add('traceparent', traceParent);
    this.#trace = Buffer.from(encoder.finish());
  }

  /** The header block of a stream to `address:port`. */
  connectTo(destination: string): Buffer {
    let fixed = this.#byDestination.get(destination);
    if (fixed === undefined) {
      fixed = encodeHeaderList([
        [':method', 'CONNECT'],
        [':authority', destination],
        ['forwarded', this.#forwarded],
        ['baggage', this.#baggage],
      ]);
      this.#byDestination.set(destination, fixed);
    }
    return Buffer.concat([fixed, this.#newTrace()]);
  }

  #newTrace(): Buffer {
    const block = this.#trace;
    const valueAt = block.length - traceParent.length;
    randomFillSync(this.#random);
    writeHex(block, valueAt + traceIdAt, this.#random.subarray(0, 16));
    writeHex(block, valueAt + parentIdAt, this.#random.subarray(16));
    return block;
  }
}

function writeHex(into: Buffer, at: number, bytes: Buffer): void {
  let next = at;
  for (const byte of bytes) {
    into[next++] = hexDigits[byte >> 4] as number;
    into[next++] = hexDigits[byte & 15] as number;
  }
}
