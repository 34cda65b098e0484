import { reasons, type Denial } from '../kernel/reasons.ts';

/** The body of a refusal in the form of Anthropic's API: `{"type":"error","error":{…},"request_id"}`. */
export function anthropicError(denial: Denial, requestId: string): string {
  return JSON.stringify({
    type: 'error',
    error: {
      type: reasons[denial.code].anthropicType,
      message: denial.message,
      code: denial.code,
      param: denial.param,
      request_id: requestId,
    },
    request_id: requestId,
  });
}
