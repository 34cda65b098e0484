import type { JsonObject } from '../../kernel/json.ts';
import type { Mistake } from '../mistakes.ts';
import { createPatchCheck, type PatchRow, type PatchSample } from './patch.ts';

const AS_SENT = 'as upstream would get it, which sallyport explain shows. Correct the condition or the sample.';

/**
 * Tries a row on its samples: one that does not do what its author means is a mistake, not a surprise in production.
 *
 * @param sentOf the body that patches get of a sample; undefined where it is refused before, and is tried as it is
 */
export function trySamples(
  { stops, passes, ...row }: PatchRow,
  sentOf: (sample: PatchSample) => JsonObject | undefined,
): readonly Mistake[] {
  const check = createPatchCheck([row]);
  const isStopped = (sample: PatchSample): boolean => check(sample.route, sentOf(sample) ?? sample.body) !== undefined;
  return [
    ...(stops === undefined || isStopped(stops)
      ? []
      : [{ path: 'stops', hint: `The condition lets this request pass, ${AS_SENT}` }]),
    ...(passes === undefined || !isStopped(passes)
      ? []
      : [{ path: 'passes', hint: `The condition stops this request, ${AS_SENT}` }]),
  ];
}
