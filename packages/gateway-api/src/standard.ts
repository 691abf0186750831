import { ObjectDecoder } from './decode.ts';
import { definitions } from './generated/standard/definitions.ts';
import { kindsWith } from './kinds.ts';

/**
 * A decoder that takes and refuses what an API server with the standard channel of the Gateway API does: its versions,
 * fields and rules, and no kind of the experimental channel. Apart from the package's entry, since few need it.
 */
export function standardDecoder(): ObjectDecoder {
  return new ObjectDecoder(kindsWith(definitions));
}
