import { createHash } from 'node:crypto';
import { isLaxObject, parseLaxJson, type LaxValue } from './lax-json.ts';
import { pythonInput } from './python-text.ts';
import { finalUsage } from './usage.ts';
import { answerWords } from './words.ts';

/** What a session is made of. */
export interface RealtimeContext {
  readonly models: readonly string[];
  readonly id: string;
  /** Seconds since the epoch. */
  readonly createdS: number;
}

/** A session of `/v1/realtime` as vLLM holds it, with its weak points: audio is queued before the model is known. */
export interface RealtimeSession {
  /** What is sent as soon as the socket stands. */
  opened(): string;
  /** What a frame of the client is answered with, one frame each. */
  frame(text: string): Iterable<string>;
}

/** A session whose words depend on its audio alone: one for each piece, once a commit has begun the transcription. */
export function createRealtimeSession({ models, id, createdS }: RealtimeContext): RealtimeSession {
  let isModelKnown = false;
  let isGenerating = false;
  let pieces: string[] = [];
  let said = '';
  let words = 0;

  function* transcribe(): Generator<string> {
    for (const audio of pieces.splice(0)) {
      const [word = ''] = answerWords(createHash('sha256').update(audio, 'base64').digest('hex'), 1);
      const delta = words++ === 0 ? word : ` ${word}`;
      said += delta;
      yield event({ type: 'transcription.delta', delta });
    }
  }

  function* commit(final: boolean): Generator<string> {
    if (!isModelKnown) {
      yield error('Model not validated. Send a session.update event first.', 'model_not_validated');
      return;
    }
    isGenerating = true;
    yield* transcribe();
    if (!final) return;
    yield event({ type: 'transcription.done', text: said, usage: finalUsage(words, words) });
    isGenerating = false;
    said = '';
    words = 0;
  }

  return {
    opened: () => event({ type: 'session.created', id: `sess-${id}`, created: createdS }),
    *frame(text) {
      const parsed = parseLaxJson(Buffer.from(text));
      const value: LaxValue = parsed.kind === 'value' ? parsed.value : null;
      if (!isLaxObject(value)) return void (yield error('Invalid JSON', 'invalid_json'));
      switch (value['type']) {
        case 'session.update': {
          const model = value['model'];
          isModelKnown = typeof model === 'string' && models.includes(model);
          if (!isModelKnown)
            yield error(`The model \`${pythonInput(model ?? null)}\` does not exist.`, 'model_not_found');
          return;
        }
        case 'input_audio_buffer.append': {
          const audio = value['audio'];
          if (typeof audio !== 'string' || Buffer.from(audio, 'base64').length % 2 !== 0)
            return void (yield error('Invalid audio data', 'invalid_audio'));
          pieces.push(audio);
          if (isGenerating) yield* transcribe();
          return;
        }
        case 'input_audio_buffer.commit':
          yield* commit(value['final'] === true);
          return;
        default:
          yield error(`Unknown event type: ${pythonInput(value['type'] ?? null)}`, 'unknown_event');
      }
    },
  };
}

const event = (value: object): string => JSON.stringify(value);
const error = (message: string, code: string): string => event({ type: 'error', error: message, code });
