import type { Denial } from '../kernel/reasons.ts';

/**
 * The event that ends a stream of OpenAI's Responses API: `{"type":"error","code","message","param","sequence_number"}`.
 *
 * @param sequenceNumber its place among the events of the stream, from 0
 */
export function responsesErrorEvent(denial: Denial, sequenceNumber: number): string {
  return JSON.stringify({
    type: 'error',
    code: denial.code,
    message: denial.message,
    param: denial.param,
    sequence_number: sequenceNumber,
  });
}
