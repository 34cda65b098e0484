import { assertNever } from '../kernel/assert-never.ts';
import { matchRoute } from '../vllm/routes/match.ts';
import type { RouteRow } from '../vllm/routes/route.ts';
import { answerSpeech } from './audio.ts';
import { canaryPlan } from './canaries.ts';
import { answerChatBatch } from './chat-batch.ts';
import { answerChat } from './chat.ts';
import { answerCompletions } from './completions.ts';
import { answerEmbeddings } from './embeddings.ts';
import * as errors from './errors.ts';
import { isWithoutKey } from './key-check.ts';
import { isLaxObject, parseLaxJson, type LaxObject } from './lax-json.ts';
import { answerLoadLora } from './lora.ts';
import { answerMetrics, answerModels, type EngineLoad } from './metadata.ts';
import { answerCountTokens, answerMessages } from './messages.ts';
import type { AnswerContext, SimulatorOptions } from './options.ts';
import { emptyPlan, jsonPlan, type AnswerPlan, type SimulatedRequest } from './plan.ts';
import { answerClassify, answerCohereEmbed, answerPooling } from './pooling.ts';
import { pythonInput, pythonRepr } from './python-text.ts';
import { answerRerank, answerScore } from './scoring.ts';
import type { ResponseStore } from './response-store.ts';
import { answerResponses } from './responses.ts';
import { answerCancelResponse, answerStoredResponse } from './stored-responses.ts';
import { pathOfTarget } from './target.ts';
import { answerDetokenize, answerTokenize } from './tokenizer.ts';

/** What the simulator has done so far, for the answers that tell it. */
export interface SimulatorState {
  /** Requests so far; makes the ids of answers. */
  readonly serial: number;
  readonly load: EngineLoad;
  readonly nowMs: number;
  readonly responses: ResponseStore;
}

/**
 * Answers a request as vLLM would: pure but for the stored responses; the time and the count of requests come as an
 * argument. Routes that are not simulated answer a canary.
 */
export function answerRequest(request: SimulatedRequest, options: SimulatorOptions, state: SimulatorState): AnswerPlan {
  const { method, headers } = request;
  const path = pathOfTarget(request.target);
  if (isWithoutKey(request, path, options.apiKey)) return errors.unauthorized();
  const isPreflight = method === 'OPTIONS' && headers.has('origin') && headers.has('access-control-request-method');
  if (isPreflight) return errors.disallowedOrigin(headers.get('access-control-request-headers'));

  const route = matchRoute(path);
  if (route === undefined) {
    const isTrailingSlash = path.length > 1 && path.endsWith('/') && matchRoute(path.slice(0, -1)) !== undefined;
    // As recorded: built from the Host header, whatever that says.
    const location = `http://${headers.get('host') ?? ''}${path.slice(0, -1)}`;
    return isTrailingSlash ? emptyPlan(307, ['location', location]) : errors.notFound();
  }
  if (!route.methods.some((known) => known === method)) return errors.methodNotAllowed(route.methods);

  const context: AnswerContext = {
    ...options,
    idSuffix: headers.get('x-request-id') ?? idOf(state.serial),
    createdS: Math.floor(state.nowMs / 1000),
  };
  return answerRoute(route, request, context, state);
}

function answerRoute(
  route: RouteRow,
  request: SimulatedRequest,
  context: AnswerContext,
  state: SimulatorState,
): AnswerPlan {
  switch (route.path) {
    case '/v1/chat/completions':
      return withBody(request, (body) => answerChat(body, context));
    case '/v1/completions':
      return withBody(request, (body) => answerCompletions(body, context));
    case '/v1/embeddings':
      return withBody(request, (body) => answerEmbeddings(body, context));
    case '/v1/chat/completions/batch':
      return withBody(request, (body) => answerChatBatch(body, context));
    case '/v1/score':
      return withBody(request, (body) => answerScore(body, context));
    case '/v1/rerank':
    case '/v2/rerank':
      return withBody(request, (body) => answerRerank(body, context));
    case '/classify':
      return withBody(request, (body) => answerClassify(body, context));
    case '/pooling':
      return withBody(request, (body) => answerPooling(body, context));
    case '/v2/embed':
      return withBody(request, (body) => answerCohereEmbed(body, context));
    case '/tokenize':
      return withBody(request, (body) => answerTokenize(body, context));
    case '/detokenize':
      return withBody(request, (body) => answerDetokenize(body, context));
    case '/v1/load_lora_adapter':
      return withBody(request, (body) => answerLoadLora(body, context));
    case '/v1/messages':
      return withBody(request, (body) => answerMessages(body, context));
    case '/v1/messages/count_tokens':
      return withBody(request, (body) => answerCountTokens(body, context));
    case '/v1/responses':
      return withBody(request, (body) => answerResponses(body, context, state.responses));
    case '/v1/responses/{response_id}':
      return answerStoredResponse(pathOfTarget(request.target), state.responses);
    case '/v1/responses/{response_id}/cancel':
      return answerCancelResponse(pathOfTarget(request.target), state.responses);
    case '/v1/audio/transcriptions':
      return answerSpeech('transcription', request, context);
    case '/v1/audio/translations':
      return answerSpeech('translation', request, context);
    case '/v1/models':
      return answerModels(context);
    case '/version':
      return jsonPlan(200, { version: context.version });
    case '/health':
    case '/ping':
      return emptyPlan(200);
    case '/load':
      return jsonPlan(200, { server_load: 0 });
    case '/metrics*':
      return answerMetrics(context, state.serial, state.load);
    default:
      return canaryPlan(route.path);
  }
}

/** Reads the body as vLLM does and refuses as vLLM does what is no JSON object. */
function withBody({ headers, body }: SimulatedRequest, answer: (body: LaxObject) => AnswerPlan): AnswerPlan {
  const mediaType = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') return errors.unsupportedMediaType();
  if (body.length === 0) {
    return errors.validationError([{ type: 'missing', loc: 'body', msg: 'Field required', input: 'None' }]);
  }
  const parsed = parseLaxJson(body);
  switch (parsed.kind) {
    case 'unparseable':
      return errors.unparseableBody();
    case 'invalid':
      return errors.validationError([
        {
          type: 'json_invalid',
          loc: `body.${parsed.at}`,
          msg: 'JSON decode error',
          input: '<dict of 0 items>',
          ctx: `{'error': ${pythonRepr(parsed.message)}}`,
        },
      ]);
    case 'value':
      if (isLaxObject(parsed.value)) return answer(parsed.value);
      return errors.validationError([
        {
          type: 'model_attributes_type',
          loc: 'body',
          msg: 'Input should be a valid dictionary or object to extract fields from',
          input: pythonInput(parsed.value),
        },
      ]);
    default:
      return assertNever(parsed);
  }
}

/** Sixteen hex digits that differ for each request. */
function idOf(serial: number): string {
  return (
    Math.imul(serial, 0x9e3779b1).toString(16).replace('-', '').padStart(8, '0') + serial.toString(16).padStart(8, '0')
  );
}
