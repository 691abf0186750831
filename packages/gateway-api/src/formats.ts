import type { Format } from 'ajv';
import {
  isDnsLabel,
  isDnsSubdomain,
  isIpAddress,
  isLabelValue,
  isPortName,
  labelRule,
  subdomainRule,
} from './names.ts';

const dateTime = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

function isDateTime(text: string): boolean {
  return text.length <= 40 && dateTime.test(text) && !Number.isNaN(Date.parse(text));
}

function isBase64(text: string): boolean {
  if (text.length % 4 !== 0) return false;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  for (let i = 0; i < text.length - padding; i++) {
    const code = text.charCodeAt(i);
    const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
    if (!isLetter && !(code >= 48 && code <= 57) && code !== 43 && code !== 47) return false;
  }
  return true;
}

const isInt32 = (value: number) => value >= -0x8000_0000 && value <= 0x7fff_ffff;

/** The formats that schemas name, each by code that is linear in the length of its input. */
export const formats: Readonly<Record<string, Format>> = {
  int32: { type: 'number', validate: isInt32 },
  int64: { type: 'number', validate: Number.isSafeInteger },
  'date-time': isDateTime,
  byte: isBase64,
  ip: isIpAddress,
  'cluster-ip': (text) => text === '' || text === 'None' || isIpAddress(text),
  'dns1123-label': isDnsLabel,
  'dns1123-subdomain': isDnsSubdomain,
  'label-value': isLabelValue,
  'port-name': isPortName,
  'port-or-name': isPortName,
};

/** What a value of each format is, to end the sentence "… is not". */
export const formatNames: Readonly<Record<string, string>> = {
  int32: 'a 32-bit integer',
  int64: 'an integer that can be held exactly',
  'date-time': 'a time (RFC 3339, such as 2026-01-31T12:00:00Z)',
  byte: 'base64',
  ip: 'an IP address',
  'cluster-ip': 'an IP address or None',
  'dns1123-label': `a DNS label (${labelRule})`,
  'dns1123-subdomain': `a DNS name (${subdomainRule})`,
  'label-value':
    'a label value (letters, digits, "-", "_" and ".", beginning and ending with a letter or digit, at most 63)',
  'port-name': 'a port name (lower-case letters, digits and "-", at least one letter, at most 15)',
  'port-or-name': 'a port name (lower-case letters, digits and "-", at least one letter, at most 15)',
};
