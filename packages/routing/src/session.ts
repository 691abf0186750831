import { equalsIgnoreCase } from '@tulle/core';
import type { HeaderBlock } from '@tulle/core';
import type { SessionPersistence } from '@tulle/ir';
import { lowerBytes, textOf, utf8 } from './bytes.ts';
import { HeaderEdits } from './header-edits.ts';

const cookieName = utf8('cookie');
const equals = 61;
const semicolon = 59;
const space = 32;
const tab = 9;

/** How a rule's or a Service's sessions are told: by a cookie or a header, ready to be looked for and to be set. */
export class CompiledSession {
  readonly config: SessionPersistence;
  private readonly name: Buffer;

  constructor(config: SessionPersistence) {
    this.config = config;
    this.name = config.type === 'header' ? lowerBytes(config.name) : utf8(config.name);
  }

  /** The token that a request brings; undefined when there is none. Of several cookies of the name the first counts. */
  tokenOf(headers: HeaderBlock): string | undefined {
    const { buffer, count, ranges } = headers;
    const isHeader = this.config.type === 'header';
    const wanted = isHeader ? this.name : cookieName;
    for (let i = 0; i < count; i++) {
      if (!equalsIgnoreCase(buffer, ranges[i * 4] as number, ranges[i * 4 + 1] as number, wanted)) continue;
      const start = ranges[i * 4 + 2] as number;
      const end = ranges[i * 4 + 3] as number;
      if (isHeader) return textOf(buffer, start, end);
      const token = this.crumb(buffer, start, end);
      if (token !== undefined) return token;
    }
    return undefined;
  }

  /** What a response says so that the client brings `token` from now on. */
  edits(token: string): HeaderEdits {
    const { name, type, path, lifetime, absoluteTimeoutMs } = this.config;
    if (type === 'header') return new HeaderEdits([this.name], [{ name, value: token }]);
    // Not Secure: clients in a mesh speak to their own node in clear, and would not send it back.
    const maxAge = lifetime === 'permanent' ? `; Max-Age=${Math.floor((absoluteTimeoutMs ?? 0) / 1000)}` : '';
    const value = `${name}=${token}; Path=${path ?? '/'}${maxAge}; HttpOnly; SameSite=Strict`;
    return new HeaderEdits([], [{ name: 'Set-Cookie', value }]);
  }

  /** The value of our cookie in one field (RFC 6265 section 4.2.1). */
  private crumb(buffer: Uint8Array, start: number, end: number): string | undefined {
    let at = start;
    while (at < end) {
      while (at < end && (buffer[at] === space || buffer[at] === tab || buffer[at] === semicolon)) at++;
      let crumbEnd = at;
      while (crumbEnd < end && buffer[crumbEnd] !== semicolon) crumbEnd++;
      const valueStart = at + this.name.length + 1;
      if (valueStart <= crumbEnd && buffer[valueStart - 1] === equals && this.isNameAt(buffer, at)) {
        let valueEnd = crumbEnd;
        while (valueEnd > valueStart && (buffer[valueEnd - 1] === space || buffer[valueEnd - 1] === tab)) valueEnd--;
        return textOf(buffer, valueStart, valueEnd);
      }
      at = crumbEnd;
    }
    return undefined;
  }

  private isNameAt(buffer: Uint8Array, start: number): boolean {
    for (let i = 0; i < this.name.length; i++) if (buffer[start + i] !== this.name[i]) return false;
    return true;
  }
}
