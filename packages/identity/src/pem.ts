import { CodedError, err, ok, type Result } from '@tulle/core';

/** The longest PEM text that is looked at: a chain of certificates takes a few KiB. */
const maxPemBytes = 1024 * 1024;

/**
 * The DER contents of the PEM blocks of one label (RFC 7468), such as `CERTIFICATE`, in order.
 * Text around the blocks and blocks of other labels are passed over. Error code: `invalid-pem`.
 */
export function pemBlocks(text: string, label: string): Result<Buffer[], CodedError> {
  if (text.length > maxPemBytes)
    return err(new CodedError('invalid-pem', `PEM text is longer than ${maxPemBytes} bytes`));
  const blocks: Buffer[] = [];
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at)) {
    const from = at + begin.length;
    const to = text.indexOf(end, from);
    if (to < 0) return err(new CodedError('invalid-pem', `a PEM block "${label}" has no end line`));
    const base64 = text.slice(from, to).replaceAll(/[\r\n\t ]/g, '');
    if (base64 === '' || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
      return err(new CodedError('invalid-pem', `a PEM block "${label}" is not base64`));
    }
    blocks.push(Buffer.from(base64, 'base64'));
    at = to + end.length;
  }
  return ok(blocks);
}

/** The PEM form (RFC 7468) of DER contents, with a line end after the last line. */
export function toPem(der: Uint8Array, label: string): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  const lines = [`-----BEGIN ${label}-----`];
  for (let at = 0; at < base64.length; at += 64) lines.push(base64.slice(at, at + 64));
  lines.push(`-----END ${label}-----`, '');
  return lines.join('\n');
}
