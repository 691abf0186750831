import type { Metadata } from '@grpc/grpc-js';

/** The bearer token among a call's metadata, or undefined when there is none or more than one. */
export function bearerToken(metadata: Metadata): string | undefined {
  const [value, another] = metadata.get('authorization');
  if (typeof value !== 'string' || another !== undefined) return undefined;
  return /^bearer ([\x21-\x7e]+)$/i.exec(value)?.[1];
}
