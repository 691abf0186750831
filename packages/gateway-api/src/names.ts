const isLowerAlphanumeric = (code: number) => (code >= 97 && code <= 122) || (code >= 48 && code <= 57);
const isAlphanumeric = (code: number) => isLowerAlphanumeric(code) || (code >= 65 && code <= 90);
const [dash, dot, underscore] = [45, 46, 95];

/** What an RFC 1123 label looks like, in words. */
export const labelRule = 'lower-case letters, digits and "-", beginning and ending with a letter or digit, at most 63';

/** What an RFC 1123 subdomain looks like, in words. */
export const subdomainRule =
  'lower-case letters, digits, "-" and ".", each part beginning and ending with a letter or digit, at most 253';

/** Whether `text` is an RFC 1123 label. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && isLabel(text, 0, text.length);
}

/** Whether `text` is an RFC 1123 subdomain: labels with dots between them, 253 characters in all. */
export function isDnsSubdomain(text: string): boolean {
  if (text.length > 253) return false;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && text.charCodeAt(i) !== dot) continue;
    if (!isLabel(text, start, i)) return false;
    start = i + 1;
  }
  return true;
}

function isLabel(text: string, start: number, end: number): boolean {
  if (end <= start) return false;
  if (!isLowerAlphanumeric(text.charCodeAt(start)) || !isLowerAlphanumeric(text.charCodeAt(end - 1))) return false;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (!isLowerAlphanumeric(code) && code !== dash) return false;
  }
  return true;
}

/** Whether `text` may be a label's value: empty, or up to 63 letters, digits, `-`, `_` and `.`. */
export function isLabelValue(text: string): boolean {
  return text === '' || isQualifiedPart(text);
}

/** Whether `text` may be the key of a label or annotation: a name, with or without a DNS prefix and a slash. */
export function isQualifiedName(text: string): boolean {
  const slash = text.indexOf('/');
  if (slash < 0) return isQualifiedPart(text);
  return isDnsSubdomain(text.slice(0, slash)) && isQualifiedPart(text.slice(slash + 1));
}

function isQualifiedPart(text: string): boolean {
  if (text.length === 0 || text.length > 63) return false;
  if (!isAlphanumeric(text.charCodeAt(0)) || !isAlphanumeric(text.charCodeAt(text.length - 1))) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!isAlphanumeric(code) && code !== dash && code !== dot && code !== underscore) return false;
  }
  return true;
}

/** Whether `text` may name a container's port (IANA_SVC_NAME): up to 15 characters, at least one a letter. */
export function isPortName(text: string): boolean {
  return text.length <= 15 && isDnsLabel(text) && !text.includes('--') && /[a-z]/.test(text);
}

/** Whether `text` is an IPv4 or IPv6 address without a zone. */
export function isIpAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

function isIpv4(text: string): boolean {
  if (text.length > 15) return false;
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  if (text.length > 45 || !text.includes(':')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') continue;
    const parts = half.split(':');
    for (const [at, part] of parts.entries()) {
      const isLast = index === halves.length - 1 && at === parts.length - 1;
      if (isLast && part.includes('.')) {
        if (!isIpv4(part)) return false;
        groups += 2;
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return false;
        groups += 1;
      }
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}
