import type { Exchange, Has, InferenceRequest, Slots } from '../../kernel/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Denial } from '../../kernel/reasons.ts';
import { deny } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import type { BodyRead } from '../../kernel/transport.ts';
import { assertNever } from '../../kernel/assert-never.ts';
import { parseFormBoundary } from '../../wire/multipart.ts';
import { createBodyCheck } from '../../vllm/fields/body.ts';
import type { BodyCheck } from '../../vllm/fields/body.ts';
import { DEFAULT_AUDIO_CAPS, checkAudioFile } from '../../vllm/media/audio.ts';
import { BODY_KINDS } from '../../vllm/fields/field.ts';
import type { ModelFacts } from '../../vllm/fields/output-length.ts';
import type { PatchCheck } from '../../vllm/patches/patch.ts';
import type { ResponseIds } from '../../wire/response-id.ts';
import { createCallers } from './callers.ts';
import { createControlTokens } from './control-tokens.ts';
import { Refusal } from '../../vllm/fields/refusal.ts';
import type { ValidationConfig } from './config.ts';
import { acceptsMediaType, isForm } from './media-type.ts';
import { parseStrictJson } from '../../wire/strict-json.ts';
import { storedResponseRequest } from './stored-response.ts';
import { createTurns } from './turns.ts';
import { readUpload, writeUpload } from './upload.ts';

/** What the stage takes from elsewhere. */
export interface ValidateDeps {
  /** `limits.default.maxOutputTokens`. */
  readonly maxOutputTokens: number | 'none';
  /** Secret that keeps the tenants' values apart, 32 bytes. */
  readonly tenantKey: Uint8Array;
  /** The ids by which callers know their stored responses. */
  readonly responseIds: ResponseIds;
  /** Names that callers may use in place of those that vLLM serves. */
  readonly aliases: ReadonlyMap<string, string>;
  /** The operator's own spellings of control tokens. */
  readonly controlTokens: readonly string[];
  /** What is known of a model. */
  readonly factsOf: (model: string) => ModelFacts;
  /** The virtual patches that the upstreams of a model need. */
  readonly patchCheckOf: (model: string) => PatchCheck;
}

/** How long a caller waits when the memory for bodies is used up: bodies come and go within moments. */
const NO_ROOM_RETRY_MS = 1000;
const ONLY_FORMS = 'The body must be multipart/form-data, without content coding.';
const NO_BOUNDARY = 'Content-Type must name a boundary of 1 to 70 characters and nothing else (RFC 2046 §5.1.1).';
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
  const checks = new Map<string, BodyCheck>(
    BODY_KINDS.map((kind) => [kind, createBodyCheck(kind, { ...config, aliases: deps.aliases })]),
  );
  const callerOf = createCallers(config, deps);
  const checkTokens = createControlTokens(config.controlTokens, deps.controlTokens);
  const turns = createTurns();

  async function read(x: Here, maxBytes: number, judgeBytes: JudgeBytes): Promise<Denial | undefined> {
    const body = await x.downstream.readBody(maxBytes);
    if (body.kind === 'body' && body.bytes.length > LARGE_BYTES) await turns.take();
    return judge(body, maxBytes, judgeBytes);
  }

  function judge(body: BodyRead, maxBytes: number, judgeBytes: JudgeBytes): Denial | undefined {
    switch (body.kind) {
      case 'body':
        return judgeBytes(body.bytes);
      case 'too-large':
        return deny('body_too_large', { message: `The body is larger than ${maxBytes} bytes.` });
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

  function judgeJson(x: Here, check: BodyCheck, bytes: Buffer): Denial | undefined {
    const parsed = parseStrictJson(bytes);
    if (!parsed.ok) {
      const { code, message, param } = parsed;
      return deny(code, param === null ? { message } : { message, param });
    }
    const request = judgeBody(x, check, parsed.value, bytes.length);
    if (request instanceof Refusal) return refuse(request);
    x.request = request;
    return undefined;
  }

  function judgeBody(x: Here, check: BodyCheck, value: JsonObject, bodyBytes: number): InferenceRequest | Refusal {
    const request = check(value, bodyBytes, callerOf(x.principal), deps.factsOf, checkTokens);
    if (request instanceof Refusal) return request;
    // Last, and on what is sent: a patch answers only where it alone refuses.
    const hole = deps.patchCheckOf(request.model)(x.route.id, request.body);
    return hole === undefined ? request : new Refusal(hole.code, hole.path, hole.message);
  }

  function judgeForm(x: Here, check: BodyCheck, bytes: Buffer, boundary: string): Denial | undefined {
    const read = readUpload(bytes, boundary);
    if (read instanceof Refusal) return refuse(read);
    const audio = checkAudioFile(read.file, { ...DEFAULT_AUDIO_CAPS, mediaBytes: config.maxUploadBytes });
    if (audio instanceof Refusal) return refuse(audio.within('file'));
    const request = judgeBody(x, check, read.body, read.textBytes);
    if (request instanceof Refusal) return refuse(request);
    const seed = `sallyport-${x.requestId}`;
    x.request = { ...request, upload: writeUpload(request.body, read.file, audio.format, seed) };
    return undefined;
  }

  function readForm(x: Here, check: BodyCheck): Denial | Promise<Denial | undefined> {
    const { headers } = x.head;
    if (!isForm(headers)) return deny('unsupported_media_type', { message: ONLY_FORMS });
    const boundary = parseFormBoundary(headers.get('content-type') ?? '');
    if (boundary === undefined) return deny('invalid_request', { message: NO_BOUNDARY });
    return read(x, config.maxUploadBytes, (bytes) => judgeForm(x, check, bytes, boundary));
  }

  return {
    name: 'validate',
    adds: ['request'],
    decide(x) {
      if (x.route.family === 'stored-response') {
        const request = storedResponseRequest(x, callerOf(x.principal));
        if ('code' in request) return request;
        x.request = request;
        return undefined;
      }
      const check = checks.get(x.route.family);
      if (check === undefined) return deny('invalid_request', { message: 'This route takes no body.' });
      if (x.route.family === 'transcription') return readForm(x, check);
      if (!acceptsMediaType(x.head.headers)) return deny('unsupported_media_type');
      return read(x, config.maxBodyBytes, (bytes) => judgeJson(x, check, bytes));
    },
  };
}

const refuse = ({ code, path, message }: Pick<Refusal, 'code' | 'path' | 'message'>): Denial =>
  deny(code, path === '' ? { message } : { param: path, message });

type JudgeBytes = (bytes: Buffer) => Denial | undefined;
type Here = Exchange & Has<'head' | 'principal' | 'route'> & Slots<'request'>;
