import type { Exchange, Has, Slots } from '../../kernel/exchange.ts';
import type { Denial } from '../../kernel/reasons.ts';
import { deny } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import type { BodyRead } from '../../kernel/transport.ts';
import { assertNever } from '../../kernel/assert-never.ts';
import { createBodyCheck } from '../../vllm/fields/body.ts';
import type { BodyCheck } from '../../vllm/fields/body.ts';
import { BODY_KINDS } from '../../vllm/fields/field.ts';
import type { ModelFacts } from '../../vllm/fields/output-length.ts';
import type { PatchCheck } from '../../vllm/patches/patch.ts';
import { createCallers } from './callers.ts';
import { createControlTokens } from './control-tokens.ts';
import { Refusal } from '../../vllm/fields/refusal.ts';
import type { ValidationConfig } from './config.ts';
import { acceptsMediaType } from './media-type.ts';
import { parseStrictJson } from './strict-json.ts';
import { createTurns } from './turns.ts';

/** What the stage takes from elsewhere. */
export interface ValidateDeps {
  /** `limits.default.maxOutputTokens`. */
  readonly maxOutputTokens: number | 'none';
  /** Secret that keeps the tenants' values apart, 32 bytes. */
  readonly tenantKey: Uint8Array;
  /** The operator's own spellings of control tokens. */
  readonly controlTokens: readonly string[];
  /** What is known of a model. */
  readonly factsOf: (model: string) => ModelFacts;
  /** The virtual patches that the upstreams of a model need. */
  readonly patchCheckOf: (model: string) => PatchCheck;
}

/** How long a caller waits when the memory for bodies is used up: bodies come and go within moments. */
const NO_ROOM_RETRY_MS = 1000;
/** Bodies above it cost long enough to let others have a turn between them. */
const LARGE_BYTES = 64 * 1024;

/**
 * Reads the body, parses it strictly, checks every field and builds the body that is sent. Denies with 415, 413,
 * 408, 503 for what cannot be read, 400 for what is wrong in it, 403 `model_not_allowed` where it names no model.
 */
export function createValidate(
  config: ValidationConfig,
  deps: ValidateDeps,
): Stage<'head' | 'principal' | 'route', 'request'> {
  const checks = new Map<string, BodyCheck>(BODY_KINDS.map((kind) => [kind, createBodyCheck(kind, config)]));
  const callerOf = createCallers(config, deps);
  const checkTokens = createControlTokens(config.controlTokens, deps.controlTokens);
  const turns = createTurns();

  async function read(x: Here, check: BodyCheck): Promise<Denial | undefined> {
    const body = await x.downstream.readBody(config.maxBodyBytes);
    if (body.kind === 'body' && body.bytes.length > LARGE_BYTES) await turns.take();
    return judge(x, check, body);
  }

  function judge(x: Here, check: BodyCheck, body: BodyRead): Denial | undefined {
    switch (body.kind) {
      case 'body':
        return judgeBytes(x, check, body.bytes);
      case 'too-large':
        return deny('body_too_large', { message: `The body is larger than ${config.maxBodyBytes} bytes.` });
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

  function judgeBytes(x: Here, check: BodyCheck, bytes: Buffer): Denial | undefined {
    const parsed = parseStrictJson(bytes);
    if (!parsed.ok) {
      const { code, message, param } = parsed;
      return deny(code, param === null ? { message } : { message, param });
    }
    const request = check(parsed.value, bytes.length, callerOf(x.principal), deps.factsOf);
    if (request instanceof Refusal) return refuse(request);
    const body = checkTokens(request.model, request.body);
    if (body instanceof Refusal) return refuse(body);
    // Last, and on what is sent: a patch answers only where it alone refuses.
    const hole = deps.patchCheckOf(request.model)(x.route.id, body);
    if (hole !== undefined) return refuse(hole);
    x.request = body === request.body ? request : { ...request, body };
    return undefined;
  }

  return {
    name: 'validate',
    adds: ['request'],
    decide(x) {
      const check = checks.get(x.route.family);
      if (check === undefined) return deny('invalid_request', { message: 'This route takes no body.' });
      if (!acceptsMediaType(x.head.headers)) return deny('unsupported_media_type');
      return read(x, check);
    },
  };
}

const refuse = ({ code, path, message }: Pick<Refusal, 'code' | 'path' | 'message'>): Denial =>
  deny(code, { param: path, message });

type Here = Exchange & Has<'head' | 'principal' | 'route'> & Slots<'request'>;
