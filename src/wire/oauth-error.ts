import { reasons, type Denial } from '../kernel/reasons.ts';

/** The body of a refusal in the form of RFC 6749 §5.2, with our code and the request id beside it. */
export function oauthError(denial: Denial, requestId: string): string {
  return JSON.stringify({
    error: reasons[denial.code].oauthError,
    error_description: plainDescription(denial.message),
    code: denial.code,
    request_id: requestId,
  });
}

/** A text in the characters that RFC 6749 §5.2 and RFC 6750 §3 allow: printable ASCII without `"` and `\`. */
export function plainDescription(text: string): string {
  return text
    .replace(/"/g, "'")
    .replace(/§/g, 'section ')
    .replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
}
