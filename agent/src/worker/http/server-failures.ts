import type { AttemptOutcome } from '@tulle/routing';
import type { ChannelFailure } from '../channel.ts';
import type { AnswerReason } from './answers.ts';
import type { ServerFailure } from './sides.ts';

/** What a failure is to retry policies; undefined where no other attempt can help. */
export function outcomeOf(failure: ServerFailure): AttemptOutcome | undefined {
  switch (failure) {
    case 'connect-failed':
    case 'unprocessed':
    case 'reset':
      return failure;
    case 'connect-timeout':
    case 'backend-tls':
      return 'connect-failed';
    case 'stale':
      return 'reset';
    case 'bad-response':
    case 'policy-denied':
    case 'upgrade-unsupported':
      return undefined;
  }
}

/** What a connection that could not be made is to the request that waited for it. */
export function connectFailureOf(failure: ChannelFailure | 'truncated'): ServerFailure {
  return failure === 'connect-timeout' || failure === 'backend-tls' ? failure : 'connect-failed';
}

/** What the client is told where nothing more is tried. */
export function reasonOf(failure: ServerFailure): AnswerReason {
  switch (failure) {
    case 'connect-failed':
    case 'connect-timeout':
    case 'backend-tls':
    case 'policy-denied':
    case 'upgrade-unsupported':
      return failure;
    case 'unprocessed':
    case 'stale':
    case 'reset':
    case 'bad-response':
      return 'upstream-reset';
  }
}
