import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../kernel/json.ts';
import { CLIENT_EVENTS, checkClientEvent, clientEventText, realtimeEvents } from './realtime.ts';
import { Refusal } from './refusal.ts';
import { context } from './testing.fixture.ts';

const UPDATE = { type: 'session.update', model: 'tiny' };
const APPEND = { type: 'input_audio_buffer.append', audio: 'AAA=' };
const COMMIT = { type: 'input_audio_buffer.commit' };
const check = (event: JsonObject) => checkClientEvent(event, context());

function sent(event: JsonObject): string {
  const checked = check(event);
  assert.ok(!(checked instanceof Refusal), JSON.stringify(checked));
  return clientEventText(checked);
}

for (const [event, text] of [
  [UPDATE, '{"type":"session.update","model":"tiny"}'],
  [APPEND, '{"type":"input_audio_buffer.append","audio":"AAA="}'],
  [COMMIT, '{"type":"input_audio_buffer.commit","final":false}'],
  [{ ...COMMIT, final: true }, '{"type":"input_audio_buffer.commit","final":true}'],
  [{ ...COMMIT, final: null }, '{"type":"input_audio_buffer.commit","final":false}'],
] as const) {
  test(`the event ${JSON.stringify(event)} is sent as ${text}`, () => assert.equal(sent(event), text));
}

test('what OpenAI has besides is taken and not sent on', () => {
  const more = { event_id: 'e1', session: { type: 'transcription', audio: { input: { format: {} } } } };
  assert.equal(sent({ ...UPDATE, ...more }), sent(UPDATE));
  assert.equal(sent({ ...APPEND, event_id: 'e1' }), sent(APPEND));
  assert.equal(sent({ ...COMMIT, event_id: 'e1' }), sent(COMMIT));
});

const LONG = 'a'.repeat(257);
for (const [event, code, path, hint] of [
  [{}, 'invalid_field', 'type', /session\.update/],
  [{ type: 1 }, 'invalid_field', 'type', /session\.update/],
  [{ type: 'response.create' }, 'invalid_field', 'type', /input_audio_buffer\.append/],
  [{ type: 'input_audio_buffer.clear' }, 'invalid_field', 'type', /input_audio_buffer\.commit/],
  [{ type: '__proto__' }, 'invalid_field', 'type', /session\.update/],
  [{ type: 'session.update' }, 'model_not_allowed', 'model', /Name a model/],
  [{ ...UPDATE, model: null }, 'model_not_allowed', 'model', /Name a model/],
  [{ ...UPDATE, model: '' }, 'model_not_allowed', 'model', /Name a model/],
  [{ ...UPDATE, model: 7 }, 'invalid_field', 'model', /name of a model/],
  [{ ...UPDATE, model: LONG }, 'invalid_field', 'model', /name of a model/],
  [{ ...UPDATE, mdoel: 'x' }, 'unknown_field', 'mdoel', /did you mean model/],
  [{ ...UPDATE, audio: 'AAA=' }, 'unknown_field', 'audio', /not known/],
  [{ type: APPEND.type }, 'invalid_field', 'audio', /required/],
  [{ ...APPEND, audio: 5 }, 'invalid_field', 'audio', /PCM16/],
  [{ ...APPEND, audio: 'AA' }, 'invalid_field', 'audio', /base64/],
  [{ ...APPEND, model: 'tiny' }, 'unknown_field', 'model', /not known/],
  [{ ...COMMIT, final: 1 }, 'invalid_field', 'final', /true or false/],
  [{ ...COMMIT, finl: true }, 'unknown_field', 'finl', /did you mean final/],
] as const) {
  test(`the event ${JSON.stringify(event).slice(0, 80)} is ${code} at ${path}`, () => {
    const refusal = check(event);
    assert.ok(refusal instanceof Refusal);
    assert.deepEqual([refusal.code, refusal.path], [code, path]);
    assert.match(refusal.message, hint);
  });
}

test('whatever is sent has one of three types and only the members of its row', () => {
  const members = ['model', 'audio', 'final', 'session', 'event_id', '__proto__', 'type', 'priority'];
  const value = fc.oneof(fc.constantFrom('AAA=', 'tiny', ...CLIENT_EVENTS, true, false, null), fc.jsonValue());
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...members), value), fc.constantFrom(...CLIENT_EVENTS), (rest, type) => {
      const checked = check({ ...(rest as JsonObject), ...(Object.hasOwn(rest, 'type') ? {} : { type }) });
      if (checked instanceof Refusal) return;
      const event = JSON.parse(clientEventText(checked)) as JsonObject;
      const rows = realtimeEvents[event['type'] as (typeof CLIENT_EVENTS)[number]];
      for (const name of Object.keys(event)) assert.ok(Object.hasOwn(rows, name), name);
      assert.ok(!('session' in event) && !('event_id' in event));
    }),
  );
});

test('no member of the same events in the stock SDK is unknown_field', () => {
  const text = readFileSync(
    new URL('../../../node_modules/openai/resources/realtime/realtime.d.ts', import.meta.url),
    'utf8',
  ).replaceAll(/\/\*\*.*?\*\//gs, '');
  for (const [name, type] of [
    ['SessionUpdateEvent', 'session.update'],
    ['InputAudioBufferAppendEvent', 'input_audio_buffer.append'],
    ['InputAudioBufferCommitEvent', 'input_audio_buffer.commit'],
  ] as const) {
    const body = new RegExp(`^export interface ${name} \\{(.*?)^\\}`, 'ms').exec(text)?.[1] ?? '';
    const names = [...body.matchAll(/^ {4}(\w+)\??:/gm)].map(([, member]) => member ?? '');
    assert.ok(names.includes('type') && names.includes('event_id'), names.join(' '));
    assert.deepEqual(
      names.filter((member) => !Object.hasOwn(realtimeEvents[type], member)),
      [],
    );
  }
});
