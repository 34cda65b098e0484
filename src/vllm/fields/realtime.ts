import type { JsonObject } from '../../kernel/json.ts';
import { pcm16Bytes } from '../media/pcm16.ts';
import { bool, oneOf } from './check.ts';
import type { Check, FieldContext, Members, PassRow } from './field.ts';
import { IGNORED_OF_OPENAI } from './ignored.ts';
import { modelName } from './model-name.ts';
import { formsOf, objectOf } from './object.ts';
import { Refusal, invalid } from './refusal.ts';

/** Types of the events that vLLM takes on `/v1/realtime`. */
export const CLIENT_EVENTS = ['session.update', 'input_audio_buffer.append', 'input_audio_buffer.commit'] as const;
/** One of them. */
export type ClientEventType = (typeof CLIENT_EVENTS)[number];

/** A caller's event that was checked. */
export type ClientEvent =
  | { readonly type: 'session.update'; readonly model: string }
  | {
      readonly type: 'input_audio_buffer.append';
      readonly audio: string;
      /** Of the decoded audio. */
      readonly bytes: number;
    }
  | {
      readonly type: 'input_audio_buffer.commit';
      /** No more audio comes. */
      readonly final: boolean;
    };

const audio: Check = (value) => {
  if (typeof value !== 'string') return invalid('Give PCM16 audio of 16 kHz as base64.');
  const bytes = pcm16Bytes(value);
  return bytes instanceof Refusal ? bytes : value;
};

const typed = (type: ClientEventType): { readonly type: PassRow } => ({ type: { policy: 'pass', type: oneOf(type) } });

/** Members of each event. */
export const realtimeEvents = {
  'session.update': {
    ...typed('session.update'),
    // Whether there is one is asked last, as for bodies.
    model: { policy: 'pass', type: modelName },
    session: IGNORED_OF_OPENAI,
    event_id: IGNORED_OF_OPENAI,
  },
  'input_audio_buffer.append': {
    ...typed('input_audio_buffer.append'),
    audio: { policy: 'pass', type: audio, isRequired: true },
    event_id: IGNORED_OF_OPENAI,
  },
  'input_audio_buffer.commit': {
    ...typed('input_audio_buffer.commit'),
    final: { policy: 'pass', type: bool },
    event_id: IGNORED_OF_OPENAI,
  },
} as const satisfies Readonly<Record<ClientEventType, Members>>;

const HINT = 'Give an object.';
const checkMembers = formsOf(
  'type',
  {
    'session.update': objectOf(realtimeEvents['session.update'], HINT),
    'input_audio_buffer.append': objectOf(realtimeEvents['input_audio_buffer.append'], HINT),
    'input_audio_buffer.commit': objectOf(realtimeEvents['input_audio_buffer.commit'], HINT),
  },
  HINT,
);

/** Checks an event of a caller and builds the one that is sent, from checked members only. */
export function checkClientEvent(value: JsonObject, context: FieldContext): ClientEvent | Refusal {
  const sent = checkMembers(value, context);
  if (sent instanceof Refusal) return sent;
  const { type, model, audio, final } = sent as JsonObject;
  switch (type as ClientEventType) {
    case 'session.update':
      // vLLM would take no model for its own one.
      if (typeof model !== 'string' || model === '')
        return new Refusal('model_not_allowed', 'model', 'Name a model. See GET /v1/models.');
      return { type: 'session.update', model };
    case 'input_audio_buffer.append': {
      const text = typeof audio === 'string' ? audio : '';
      return { type: 'input_audio_buffer.append', audio: text, bytes: Buffer.byteLength(text, 'base64') };
    }
    case 'input_audio_buffer.commit':
      return { type: 'input_audio_buffer.commit', final: final === true };
  }
}

/** The text of an event as it is sent. */
export function clientEventText(event: ClientEvent): string {
  if (event.type !== 'input_audio_buffer.append') return JSON.stringify(event);
  const { type, audio } = event;
  return JSON.stringify({ type, audio });
}
