import type { HeaderEdits } from '@tulle/routing';
import type { HeadEdits, RequestHeadEdits } from '@tulle/wire';

/** No application may claim an identity by itself: a client's own `x-forwarded-client-cert` never arrives. */
const alwaysDropped: readonly Uint8Array[] = [Buffer.from('x-forwarded-client-cert')];

const withAlwaysDropped = new WeakMap<HeaderEdits, readonly Uint8Array[]>();

/** The fields of a request that go: those that the route removes or sets, and those that always do. */
export function dropNamesOf(edits: HeaderEdits | undefined): readonly Uint8Array[] {
  if (edits === undefined || edits.dropNames.length === 0) return alwaysDropped;
  let names = withAlwaysDropped.get(edits);
  if (names === undefined) {
    names = [...alwaysDropped, ...edits.dropNames];
    withAlwaysDropped.set(edits, names);
  }
  return names;
}

/** The edits of the request at hand: one object a connection, filled anew for each request. */
export class RequestEdits implements RequestHeadEdits {
  dropNames: readonly Uint8Array[] | undefined;
  append: Uint8Array | undefined;
  connection: 'keep-alive' | 'close' | undefined;
  dropFraming = false;
  target: Uint8Array | undefined;
  host: Uint8Array | undefined;
}

/** The edits of the response at hand. */
export class ResponseEdits implements HeadEdits {
  dropNames: readonly Uint8Array[] | undefined;
  append: Uint8Array | undefined;
  connection: 'keep-alive' | 'close' | undefined;
  dropFraming = false;
}
