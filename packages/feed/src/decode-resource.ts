import { CodedError, err, errorMessage, ok, type Result } from '@tulle/core';
import { validateResource, type ResourceKind, type ResourceTypes } from '@tulle/ir';

/** At most this many problems of a resource are told; the rest are counted. */
const maxTold = 5;

/**
 * Reads a resource from its JSON: its shape must be the kind's and its own names must give the key it came under. Fields
 * that are not known are kept and not looked at. Error code `invalid-resource`; the message names the resource, the
 * places in it, and what was expected.
 */
export function decodeResource<K extends ResourceKind>(
  kind: K,
  key: string,
  bytes: Uint8Array,
): Result<ResourceTypes[K], CodedError> {
  const refuse = (problem: string) => err(new CodedError('invalid-resource', `${kind} ${key}: ${problem}`));
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (cause) {
    return refuse(`not JSON: ${errorMessage(cause)}`);
  }
  const checked = validateResource(kind, key, value);
  if (checked.ok) return ok(checked.resource);
  const told = checked.problems.slice(0, maxTold).map(({ path, message }) => `${path}: ${message}`);
  const more = checked.problems.length - told.length;
  return refuse(`${told.join('; ')}${more === 0 ? '' : `; and ${more} more`}`);
}
