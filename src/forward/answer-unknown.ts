import { deny } from '../kernel/reasons.ts';
import type { Forward } from '../kernel/stage.ts';
import { sendDenial } from '../wire/answer.ts';

/** Answers that there is nothing here. */
export function createAnswerUnknown(): Forward<'head' | 'peer'> {
  return (x, _, done) => {
    sendDenial({ ...x, requestLimits: undefined }, deny('unknown_route'));
    done({ kind: 'denial', status: 404, code: 'unknown_route', firstByteMs: undefined, upstream: undefined });
  };
}
