import { reasons, type Denial } from '../kernel/reasons.ts';
import { refusalHeaders } from './refusal-headers.ts';

/** A refusal as it goes out. */
export interface RenderedDenial {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: string;
}

/**
 * A refusal of the admin API: problem details (RFC 9457) with our code, the field and the request id beside them.
 *
 * @param extensions further members (RFC 9457 §3.2)
 */
export function renderProblem(denial: Denial, requestId: string, extensions: object = {}): RenderedDenial {
  const { status } = reasons[denial.code];
  const words = denial.code.replaceAll('_', ' ');
  return {
    status,
    headers: refusalHeaders(denial, 'application/problem+json'),
    body: JSON.stringify({
      type: `urn:sallyport:reason:${denial.code}`,
      title: words.charAt(0).toUpperCase() + words.slice(1),
      status,
      detail: denial.message,
      code: denial.code,
      param: denial.param,
      request_id: requestId,
      ...extensions,
    }),
  };
}
