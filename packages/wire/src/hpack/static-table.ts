/**
 * The static table of RFC 7541 appendix A, as bytes. Index 1 is the first entry, as on the wire.
 *
 * All names and values lie in one buffer, so that decoding an entry is one short copy and never touches a string.
 */

/** How many entries the static table has; the dynamic table's first index is one above. */
export const staticEntryCount = 61;

const entries: readonly string[] = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`.split('\n');

/** The bytes of all entries: name, value, name, value… */
export const staticBytes: Uint8Array = Buffer.from(entries.map((line) => line.replace(' ', '')).join(''), 'latin1');

/** Entry `i` has its name at `[3*i] .. [3*i+1]` and its value from there to `[3*i+2]`, in {@link staticBytes}. */
export const staticRanges: Int32Array = buildRanges();

function buildRanges(): Int32Array {
  const ranges = new Int32Array((staticEntryCount + 1) * 3);
  let at = 0;
  entries.forEach((line, index) => {
    const space = line.indexOf(' ');
    const nameLength = space === -1 ? line.length : space;
    const length = space === -1 ? line.length : line.length - 1;
    ranges[(index + 1) * 3] = at;
    ranges[(index + 1) * 3 + 1] = at + nameLength;
    ranges[(index + 1) * 3 + 2] = at + length;
    at += length;
  });
  return ranges;
}

/** FNV-1a over `bytes[start..end)`, beginning from `seed`: the hash by which both tables are searched. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number = hashSeed): number {
  let hash = seed;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash;
}

/** Where {@link hashBytes} begins. */
export const hashSeed: number = 0x811c9dc5 | 0;

const slotMask = 255;

/** Open addressing from a name's hash to its first static index; 0 is an empty slot. */
const nameSlots: Uint8Array = buildNameSlots();

function buildNameSlots(): Uint8Array {
  const slots = new Uint8Array(slotMask + 1);
  for (let index = 1; index <= staticEntryCount; index++) {
    const start = staticRanges[index * 3] as number;
    const end = staticRanges[index * 3 + 1] as number;
    if (index > 1 && sameName(index - 1, staticBytes, start, end)) continue;
    let slot = hashBytes(staticBytes, start, end) & slotMask;
    while (slots[slot] !== 0) slot = (slot + 1) & slotMask;
    slots[slot] = index;
  }
  return slots;
}

function sameName(index: number, bytes: Uint8Array, start: number, end: number): boolean {
  const from = staticRanges[index * 3] as number;
  if ((staticRanges[index * 3 + 1] as number) - from !== end - start) return false;
  for (let i = start; i < end; i++) if (bytes[i] !== staticBytes[from + i - start]) return false;
  return true;
}

/** The first static index whose name is `bytes[start..end)` (of hash `hash`), or 0. */
export function findStaticName(bytes: Uint8Array, start: number, end: number, hash: number): number {
  let slot = hash & slotMask;
  for (;;) {
    const index = nameSlots[slot] as number;
    if (index === 0 || sameName(index, bytes, start, end)) return index;
    slot = (slot + 1) & slotMask;
  }
}

/** The static index at or after `nameIndex`, of the same name, whose value is `bytes[start..end)`, or 0. */
export function findStaticValue(nameIndex: number, bytes: Uint8Array, start: number, end: number): number {
  const nameStart = staticRanges[nameIndex * 3] as number;
  const nameEnd = staticRanges[nameIndex * 3 + 1] as number;
  for (let index = nameIndex; index <= staticEntryCount; index++) {
    if (index !== nameIndex && !sameName(index, staticBytes, nameStart, nameEnd)) return 0;
    const from = staticRanges[index * 3 + 1] as number;
    const length = (staticRanges[index * 3 + 2] as number) - from;
    if (length === 0 || length !== end - start) continue;
    let i = 0;
    while (i < length && staticBytes[from + i] === bytes[start + i]) i++;
    if (i === length) return index;
  }
  return 0;
}
