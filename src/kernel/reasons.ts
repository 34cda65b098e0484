import type { LimitStanding, Principal } from './exchange.ts';

/** How an SDK should treat a refusal: `after` a time, `never`, or as the `sdk` does by default for the status. */
export type Retry = 'after' | 'never' | 'sdk';

/** One way to refuse. What a peer reads is here and nowhere else. */
export interface ReasonRow {
  /** HTTP status. */
  readonly status: number;
  /** `error.type` of Anthropic's API errors. */
  readonly anthropicType: AnthropicErrorType;
  /** `error` of RFC 6749 §5.2 and RFC 6750 §3.1. */
  readonly oauthError: string;
  readonly retry: Retry;
  /** What went wrong and what to do about it, one or two sentences for a person. */
  readonly message: string;
}

/** The error types of Anthropic's API. */
export type AnthropicErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'request_too_large'
  | 'rate_limit_error'
  | 'api_error'
  | 'overloaded_error';

const row = (
  status: number,
  anthropicType: AnthropicErrorType,
  oauthError: string,
  retry: Retry,
  message: string,
): ReasonRow => ({ status, anthropicType, oauthError, retry, message });

const invalid = (message: string): ReasonRow => row(400, 'invalid_request_error', 'invalid_request', 'never', message);
const unauthorized = (message: string): ReasonRow =>
  row(401, 'authentication_error', 'invalid_token', 'never', message);
const forbidden = (message: string): ReasonRow => row(403, 'permission_error', 'access_denied', 'never', message);

/** The catalogue of reasons: every stable code that a refusal can carry. */
export const reasons = {
  invalid_json: invalid(
    'The body is not valid JSON (RFC 8259). Send one JSON object, without NaN or Infinity, nested at most 64 deep.',
  ),
  duplicate_key: invalid('The body names a key twice in one object. Send each key once.'),
  invalid_encoding: invalid(
    'The body or a text in it is not plain UTF-8. Send UTF-8 without byte order mark, lone surrogates or U+0000.',
  ),
  invalid_field: invalid('A field has the wrong type or form.'),
  unknown_field: invalid('A field is not known to this gateway. Remove it or correct its name.'),
  forbidden_field: invalid('A field is closed for this credential. Remove it or ask the operator for a grant.'),
  value_out_of_range: invalid('A value lies outside its allowed range.'),
  ambiguous_credential: invalid(
    'The request carries two different credentials or one credential header twice. Send exactly one.',
  ),
  invalid_request: invalid('The request is malformed.'),
  context_length_exceeded: invalid(
    'Prompt and output together exceed the context length of the model. Shorten the prompt or lower max_tokens.',
  ),
  prompt_denied: invalid(
    'A text of the request is not allowed: it holds what only the server may write. error.param names it. Rewrite it.',
  ),
  advisory_blocked: invalid(
    'The request would reach a known vulnerability of the model server and was stopped. Change the field in error.param.',
  ),
  missing_credential: unauthorized(
    'No credential was sent. Send the API key as "Authorization: Bearer <API key>" or "x-api-key: <API key>".',
  ),
  invalid_credential: unauthorized(
    'The credential is not valid. Check that the API key or access token was copied whole.',
  ),
  expired_credential: unauthorized('The credential has expired. Ask the operator for a new API key.'),
  revoked_credential: unauthorized('The credential was revoked or disabled. Ask the operator for a new API key.'),
  insufficient_user_authentication: row(
    401,
    'authentication_error',
    'insufficient_user_authentication',
    'never',
    'The sign-in behind the access token is too weak or too old. Sign in anew as the challenge says.',
  ),
  insufficient_scope: row(
    403,
    'permission_error',
    'insufficient_scope',
    'never',
    'The credential lacks the scope that this route needs.',
  ),
  model_not_allowed: forbidden(
    'The model is missing or not allowed for this credential. See GET /v1/models for the models that are.',
  ),
  route_closed: forbidden('This route of vLLM is closed at the gateway.'),
  condition_failed: forbidden('A policy of the operator does not allow this now. Ask the operator.'),
  ip_denied: forbidden('Requests from this address are not allowed.'),
  unknown_route: row(
    404,
    'not_found_error',
    'invalid_request',
    'never',
    'There is no such route. Check the path: exactly one spelling is accepted.',
  ),
  unknown_model: row(
    404,
    'not_found_error',
    'invalid_request',
    'never',
    'No upstream serves this model. See GET /v1/models.',
  ),
  unknown_response: row(
    404,
    'not_found_error',
    'invalid_request',
    'never',
    'There is no such response of this credential. Check the id; a model server that restarts forgets its responses.',
  ),
  unknown_object: row(
    404,
    'not_found_error',
    'invalid_request',
    'never',
    'There is no such object. List the objects to see which there are.',
  ),
  method_not_allowed: row(
    405,
    'invalid_request_error',
    'invalid_request',
    'never',
    'The method is not allowed on this route; the Allow header names those that are.',
  ),
  request_timeout: row(
    408,
    'invalid_request_error',
    'invalid_request',
    'sdk',
    'The request did not arrive in time. Send head and body without pauses.',
  ),
  conflict: row(
    409,
    'invalid_request_error',
    'invalid_request',
    'never',
    'The change does not fit the state that the object is in.',
  ),
  precondition_failed: row(
    412,
    'invalid_request_error',
    'invalid_request',
    'never',
    'The object has changed since it was read. Read it again and repeat the change.',
  ),
  body_too_large: row(413, 'request_too_large', 'invalid_request', 'never', 'The body is larger than allowed.'),
  unsupported_media_type: row(
    415,
    'invalid_request_error',
    'invalid_request',
    'never',
    'The body must be application/json in UTF-8, without content coding.',
  ),
  expectation_failed: row(
    417,
    'invalid_request_error',
    'invalid_request',
    'never',
    'The only expectation that is understood is 100-continue (RFC 9110 §10.1.1).',
  ),
  upgrade_required: row(
    426,
    'invalid_request_error',
    'invalid_request',
    'never',
    'This route does not speak WebSocket here. Send plain HTTP.',
  ),
  headers_too_large: row(
    431,
    'invalid_request_error',
    'invalid_request',
    'never',
    'The head of the request is too large or has too many headers.',
  ),
  rate_limited: row(
    429,
    'rate_limit_error',
    'temporarily_unavailable',
    'after',
    'Too many requests. Wait as long as Retry-After says.',
  ),
  concurrency_limited: row(
    429,
    'rate_limit_error',
    'temporarily_unavailable',
    'after',
    'Too many requests at once. Wait for a running one to end.',
  ),
  token_limited: row(
    429,
    'rate_limit_error',
    'temporarily_unavailable',
    'after',
    'Too many tokens in this time. Wait as long as Retry-After says, or ask for a shorter answer.',
  ),
  budget_exhausted: row(
    429,
    'rate_limit_error',
    'temporarily_unavailable',
    'never',
    'The budget is used up. It comes back when Retry-After has passed; ask the operator for a larger one.',
  ),
  too_many_failures: row(
    429,
    'rate_limit_error',
    'temporarily_unavailable',
    'never',
    'Too many invalid credentials from this address. Correct the credential and wait.',
  ),
  internal_error: row(500, 'api_error', 'server_error', 'sdk', 'The gateway failed. The request id leads to its log.'),
  not_implemented: row(
    501,
    'api_error',
    'server_error',
    'never',
    'The gateway does not implement this method or transfer coding.',
  ),
  upstream_error: row(502, 'api_error', 'server_error', 'sdk', 'The model server failed on this request.'),
  upstream_unreachable: row(502, 'api_error', 'server_error', 'sdk', 'The model server cannot be reached.'),
  overloaded: row(
    503,
    'overloaded_error',
    'temporarily_unavailable',
    'after',
    'The gateway has no room for this request now. Try again shortly.',
  ),
  store_unavailable: row(
    503,
    'overloaded_error',
    'temporarily_unavailable',
    'after',
    'The store cannot be written now. Nothing was changed; try again.',
  ),
  issuer_unreachable: row(
    503,
    'overloaded_error',
    'temporarily_unavailable',
    'after',
    'The issuer of the access token cannot be asked for its keys now. Try again; the log of the gateway says why.',
  ),
  quarantined: row(
    403,
    'permission_error',
    'access_denied',
    'never',
    'This credential is held, for it was used in an unusual way. Ask the operator to look at it.',
  ),
  draining: row(
    503,
    'overloaded_error',
    'temporarily_unavailable',
    'after',
    'The gateway is shutting down. Try again.',
  ),
  stopped: row(
    503,
    'overloaded_error',
    'temporarily_unavailable',
    'never',
    'The operator has ended this request. Ask the operator before you send it again.',
  ),
  upstream_timeout: row(504, 'api_error', 'server_error', 'sdk', 'The model server did not answer in time.'),
} as const satisfies Record<string, ReasonRow>;

/** A stable code from the catalogue. */
export type ReasonCode = keyof typeof reasons;

/** A refusal: a value, never thrown. */
export interface Denial {
  readonly code: ReasonCode;
  /** JSON path of the field that is wrong, such as `messages[2].content`; null where no field is. */
  readonly param: string | null;
  /** Replaces the catalogue's message where more can be said. Never holds a secret, a prompt or a completion. */
  readonly message: string;
  /** Milliseconds after which the same request would be let in; for `Retry-After`. */
  readonly retryAfterMs: number | undefined;
  /** Methods for `Allow`, with 405. */
  readonly allow: string | undefined;
  /** Scope that was missing, for the challenge of RFC 6750 §3. */
  readonly scope: string | undefined;
  /** Protocol for `Upgrade`, with a 426 of a route that speaks it. */
  readonly upgrade: 'websocket' | undefined;
  /** The limits that refused, for the RateLimit headers. */
  readonly standings: readonly LimitStanding[] | undefined;
  /** What was wrong with a DPoP proof, for the challenge of RFC 9449 §7.1. */
  readonly dpop: DpopFault | undefined;
  /** The sign-in that would do, for the challenge of RFC 9470 §3. */
  readonly stepUp: StepUp | undefined;
  /** Which of the causes that are one to the caller it was: for the operator's log alone. Never holds a secret. */
  readonly why: string | undefined;
  /**
   * Whose credential it was that is refused for what became of it: revoked, expired, held. Only where the secret or the
   * signature was right; for records and the log alone.
   */
  readonly whose: Principal | undefined;
}

/** How somebody has to sign in for what they ask. */
export interface StepUp {
  /** Strengths, one of which would do; empty where any does. */
  readonly acrValues: readonly string[];
  /** Seconds since the sign-in at most. */
  readonly maxAgeS: number | undefined;
}

/** Why a DPoP proof was refused; with the nonce that the next one needs. */
export type DpopFault =
  | { readonly error: 'invalid_dpop_proof' }
  | { readonly error: 'use_dpop_nonce'; readonly nonce: string };

/** What a denial may say beyond its code. */
export interface DenialDetail {
  readonly param?: string;
  readonly message?: string;
  readonly retryAfterMs?: number;
  readonly allow?: string;
  readonly scope?: string;
  readonly upgrade?: 'websocket';
  readonly standings?: readonly LimitStanding[];
  readonly dpop?: DpopFault;
  readonly stepUp?: StepUp;
  readonly why?: string;
  readonly whose?: Principal;
}

/** Makes a denial from the catalogue. */
export function deny(code: ReasonCode, detail: DenialDetail = {}): Denial {
  return {
    code,
    param: detail.param ?? null,
    message: detail.message ?? reasons[code].message,
    retryAfterMs: detail.retryAfterMs,
    allow: detail.allow,
    scope: detail.scope,
    upgrade: detail.upgrade,
    standings: detail.standings,
    dpop: detail.dpop,
    stepUp: detail.stepUp,
    why: detail.why,
    whose: detail.whose,
  };
}
