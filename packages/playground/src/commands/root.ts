import { CodedError } from '@tulle/core';

/** Throws a {@link CodedError} `NotRoot` unless this process may make network namespaces. */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new CodedError('NotRoot', 'a playground needs root: it makes network namespaces', {
    hint: 'sudo, or a root shell',
  });
}
