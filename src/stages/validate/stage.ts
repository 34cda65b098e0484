import type { Exchange, Facts, Has, InferenceRequest, RouteFamily, Slots } from '../../kernel/exchange.ts';
import type { Denial } from '../../kernel/reasons.ts';
import { deny } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import type { BodyRead } from '../../kernel/transport.ts';
import { assertNever } from '../../kernel/assert-never.ts';
import { createBodyCheck } from '../../vllm/fields/body.ts';
import type { BodyCheck } from '../../vllm/fields/body.ts';
import { Refusal } from '../../vllm/fields/check.ts';
import type { ValidationConfig } from './config.ts';
import { acceptsMediaType } from './media-type.ts';
import { parseStrictJson } from './strict-json.ts';
import { createTurns, type Turns } from './turns.ts';

/** What the stage takes from elsewhere. */
export interface ValidateDeps {
  /** `limits.default.maxOutputTokens`. */
  readonly maxOutputTokens: number | 'none';
}

/** How long a caller waits when the memory for bodies is used up: bodies come and go within moments. */
const NO_ROOM_RETRY_MS = 1000;
/** Bodies above it cost long enough to let others have a turn between them. */
const LARGE_BYTES = 64 * 1024;

/**
 * Reads the body, parses it strictly, checks every field and builds the body that is sent. Denies with 415, 413,
 * 408, 503 for what cannot be read, 400 for what is wrong in it, 403 `model_not_allowed` where it names no model.
 */
export function createValidate(config: ValidationConfig, deps: ValidateDeps): Stage<'head' | 'route', 'request'> {
  const settings = { ...config, maxOutputTokens: deps.maxOutputTokens };
  const checks: Readonly<Record<RouteFamily, BodyCheck | undefined>> = {
    chat: createBodyCheck('chat', settings),
    completions: createBodyCheck('completions', settings),
    embeddings: createBodyCheck('embeddings', settings),
    models: undefined, // answered by the gateway in a chain of its own
  };
  const turns = createTurns();
  return {
    name: 'validate',
    adds: ['request'],
    decide(x) {
      const check = checks[x.route.family];
      if (check === undefined) return deny('invalid_request', { message: 'This route takes no body.' });
      if (!acceptsMediaType(x.head.headers)) return deny('unsupported_media_type');
      return read(x, check, config.maxBodyBytes, turns);
    },
  };
}

type Here = Exchange & Has<'head' | 'route'> & Slots<'request'>;

async function read(x: Here, check: BodyCheck, maxBodyBytes: number, turns: Turns): Promise<Denial | undefined> {
  const body = await x.downstream.readBody(maxBodyBytes);
  if (body.kind === 'body' && body.bytes.length > LARGE_BYTES) await turns.take();
  return judge(x, check, body, maxBodyBytes);
}

function judge(x: Slots<'request'>, check: BodyCheck, body: BodyRead, maxBodyBytes: number): Denial | undefined {
  switch (body.kind) {
    case 'body':
      return judgeBytes(x, check, body.bytes);
    case 'too-large':
      return deny('body_too_large', { message: `The body is larger than ${maxBodyBytes} bytes.` });
    case 'timeout':
      return deny('request_timeout');
    case 'no-room':
      return deny('overloaded', { retryAfterMs: NO_ROOM_RETRY_MS });
    case 'broken':
      return deny('invalid_request', { message: 'The body ended early or its framing is broken.' });
    default:
      return assertNever(body);
  }
}

function judgeBytes(x: Slots<'request'>, check: BodyCheck, bytes: Buffer): Denial | undefined {
  const parsed = parseStrictJson(bytes);
  if (!parsed.ok) {
    const { code, message, param } = parsed;
    return deny(code, param === null ? { message } : { message, param });
  }
  const request: InferenceRequest | Refusal = check(parsed.value, bytes.length);
  if (request instanceof Refusal) {
    return deny(request.code, { param: request.path, message: request.message });
  }
  x.request = request satisfies Facts['request'];
  return undefined;
}
