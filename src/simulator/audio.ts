import { badRequest, badValue, unparseableBody, validationError } from './errors.ts';
import { readSimulatedForm } from './form.ts';
import { chooseModel } from './generation.ts';
import { createFieldReader } from './lax-fields.ts';
import type { LaxObject } from './lax-json.ts';
import type { AnswerContext } from './options.ts';
import { dataEvent, DONE_EVENT, jsonPlan, streamPlan, type AnswerPlan, type SimulatedRequest } from './plan.ts';
import { finalUsage } from './usage.ts';
import { answerText, answerWords } from './words.ts';

/** Which of the two routes is asked. */
export type SpeechTask = 'transcription' | 'translation';

/** Bytes that stand for a second of sound. */
const BYTES_A_SECOND = 32_000;

/** Answers `POST /v1/audio/transcriptions` and `…/translations`: with words that the bytes of the file decide. */
export function answerSpeech(
  task: SpeechTask,
  { headers, body }: SimulatedRequest,
  context: AnswerContext,
): AnswerPlan {
  const parts = readSimulatedForm(headers.get('content-type') ?? '', body);
  if (parts === undefined) return unparseableBody();
  const file = parts.find(({ name, filename }) => name === 'file' && filename !== undefined);
  const members: LaxObject = Object.fromEntries(
    parts.filter((part) => part !== file).map(({ name, text }) => [name, text]),
  );
  const fields = createFieldReader(members);
  if (file === undefined) fields.missing('file');
  const isStream = fields.bool('stream') ?? false;
  const includeUsage = fields.bool('stream_include_usage') ?? false;
  const format = fields.string('response_format') ?? 'json';
  const temperature = fields.float('temperature') ?? 0;
  const wantedModel = fields.string('model');
  if (fields.problems.length > 0 || file === undefined) return validationError(fields.problems);
  if (!(temperature >= 0 && temperature <= 2))
    return badValue('temperature must be in [0, 2]', 'temperature', undefined);
  const model = chooseModel(wantedModel, context);
  if (typeof model !== 'string') return model;
  if (file.text === '') return badRequest('Invalid or unsupported audio file.');

  const tokens = context.answerTokens;
  const seed = `${task}:${file.text}`;
  const duration = file.text.length / BYTES_A_SECOND;
  if (isStream) {
    const base = {
      id: `${PREFIX[task]}-${context.idSuffix}`,
      object: `${task}.chunk`,
      created: context.createdS,
      model,
    };
    return streamPlan(speechEvents(base, seed, tokens, includeUsage ? finalUsage(1, tokens) : undefined));
  }
  const text = answerText(seed, tokens);
  if (format === 'verbose_json') {
    const segment = {
      id: 0,
      avg_logprob: -0.5,
      compression_ratio: 1,
      end: duration,
      no_speech_prob: null,
      seek: 0,
      start: 0,
    };
    const segments = [{ ...segment, temperature, text, tokens: [1, 2, 3] }];
    return jsonPlan(200, { duration: String(duration), language: 'en', text, segments, words: null });
  }
  const usage = { type: 'duration', seconds: Math.ceil(duration) };
  return jsonPlan(200, task === 'transcription' ? { text, usage } : { text });
}

const PREFIX: { readonly [task in SpeechTask]: string } = { transcription: 'transcribe', translation: 'translate' };

function* speechEvents(base: object, seed: string, tokens: number, usage: object | undefined): Generator<string> {
  let made = 0;
  for (const content of answerWords(seed, tokens)) {
    const isLast = ++made === tokens;
    const finish_reason = isLast ? 'stop' : null;
    yield dataEvent({ ...base, choices: [{ delta: { content }, finish_reason, stop_reason: null }], usage: null });
  }
  if (usage !== undefined) yield dataEvent({ ...base, choices: [], usage });
  yield DONE_EVENT;
}
