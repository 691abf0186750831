/** Headers that frame a message, name its target or belong to one hop. */
const framing: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Whether header modifiers may touch the header `lowerName`. The others belong to the codecs: a second Host or
 * Content-Length line would let requests be smuggled.
 */
export function isEditableHeader(lowerName: string): boolean {
  return !framing.has(lowerName) && !lowerName.startsWith(':');
}
