/** Bytes that the parsers name. */
export const HTAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const COMMA = 44;
export const COLON = 58;
export const SLASH = 47;
export const ASTERISK = 42;
export const UNDERSCORE = 95;

function table(allowed: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (allowed(byte) ? 1 : 0));
}

function isAlphanumeric(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}

function among(characters: string): (byte: number) => boolean {
  return (byte) => isAlphanumeric(byte) || characters.includes(String.fromCharCode(byte));
}

/** `tchar` (RFC 9110 5.6.2): methods, field names, options. */
export const tokenBytes: Uint8Array = table(among("!#$%&'*+-.^_`|~"));

/** Names of fields where underscores are refused. */
export const tokenBytesWithoutUnderscore: Uint8Array = tokenBytes.map((is, byte) => (byte === UNDERSCORE ? 0 : is));

/** What a field value holds between its ends: visible bytes, obs-text, space and tab (RFC 9110 5.5). */
export const valueBytes: Uint8Array = table((byte) => byte === HTAB || (byte >= 32 && byte !== 127));

/**
 * What a target holds: 1 for a visible byte other than `#`, 2 for `?`. Bytes that RFC 3986 does not allow but
 * clients send (`|`, `{`, `"`, …) pass: they can not end the target. Bytes from 0x80 do not pass.
 */
export const targetBytes: Uint8Array = table((byte) => byte > 32 && byte < 127 && byte !== 35);
targetBytes[63] = 2;

/** `reg-name` of RFC 3986 3.2.2 without `%`, which needs two digits behind it. */
export const hostBytes: Uint8Array = table(among("-._~!$&'()*+,;="));

/** The value of a hexadecimal digit, 255 for other bytes. */
export const hexValues: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 255 : value;
});

/** ASCII bytes of a constant. */
export function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
