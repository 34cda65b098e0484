import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBodyCheck, rowsOf } from './body.ts';
import { Refusal } from './refusal.ts';
import { caller } from './testing.fixture.ts';
import { bodyOfForm, formOfBody } from './transcription.ts';

const check = createBodyCheck('transcription', { unknownFields: 'deny', overCap: 'lower' });

/** What is sent of a form, or the code and path of its refusal. */
function sent(form: Record<string, string>, grants: string[] = []): unknown {
  const body = bodyOfForm(Object.entries({ model: 'm', ...form }).map(([name, text]) => ({ name, text })));
  if (body instanceof Refusal) return `${body.code} ${body.path}`;
  const request = check(body, 100, caller({ grants: new Set(grants) }));
  if (request instanceof Refusal) return `${request.code} ${request.path}`;
  const { model: _, ...rest } = request.body;
  return rest;
}

for (const { form, is } of [
  { form: { temperature: '0' }, is: { temperature: 0 } },
  { form: { temperature: '1.5e0' }, is: { temperature: 1.5 } },
  { form: { temperature: '-0.1' }, is: 'value_out_of_range temperature' },
  { form: { temperature: '1.' }, is: 'invalid_field temperature' },
  { form: { temperature: '.5' }, is: 'invalid_field temperature' },
  { form: { temperature: '01' }, is: 'invalid_field temperature' },
  { form: { temperature: '+1' }, is: 'invalid_field temperature' },
  { form: { temperature: ' 1' }, is: 'invalid_field temperature' },
  { form: { temperature: '1_0' }, is: 'invalid_field temperature' },
  { form: { temperature: '0x1' }, is: 'invalid_field temperature' },
  { form: { temperature: 'Infinity' }, is: 'invalid_field temperature' },
  { form: { temperature: '1e999' }, is: 'invalid_field temperature' },
  { form: { temperature: 'null' }, is: 'invalid_field temperature' },
  { form: { seed: '9007199254740991' }, is: { seed: 9_007_199_254_740_991 } },
  { form: { seed: '9007199254740993' }, is: 'value_out_of_range seed' },
  { form: { seed: '1.5' }, is: 'invalid_field seed' },
  { form: { stream: 'true' }, is: { stream: true, stream_include_usage: true } },
  { form: { stream: 'false', stream_include_usage: 'true' }, is: { stream: false } },
  { form: { stream: 'True' }, is: 'invalid_field stream' },
  { form: { stream: '1' }, is: 'invalid_field stream' },
  { form: { stream_continuous_usage_stats: 'true' }, is: 'forbidden_field stream_continuous_usage_stats' },
  { form: { stream_continuous_usage_stats: 'false' }, is: {} },
  { form: { prompt: '', language: '', temperature: '' }, is: {} },
  { form: { prompt: '12' }, is: { prompt: '12' } },
  { form: { prompt: 'true' }, is: { prompt: 'true' } },
  { form: { language: 'zh-CN', to_language: 'en' }, is: { language: 'zh-CN', to_language: 'en' } },
  { form: { language: 'en|><|en' }, is: 'invalid_field language' },
  { form: { to_language: 'x'.repeat(9) }, is: 'invalid_field to_language' },
  { form: { hotwords: 'a'.repeat(1024) }, is: { hotwords: 'a'.repeat(1024) } },
  { form: { hotwords: 'a'.repeat(1025) }, is: 'value_out_of_range hotwords' },
  { form: { response_format: 'verbose_json' }, is: { response_format: 'verbose_json' } },
  ...['text', 'srt', 'vtt', 'diarized_json'].map((name) => ({
    form: { response_format: name },
    is: 'invalid_field response_format',
  })),
  { form: { 'timestamp_granularities[]': 'word' }, is: { 'timestamp_granularities[]': ['word'] } },
  { form: { 'timestamp_granularities[]': 'frame' }, is: 'invalid_field timestamp_granularities[][0]' },
  { form: { timestamp_granularities: 'word' }, is: 'unknown_field timestamp_granularities' },
  { form: { n: '1', use_beam_search: 'false', length_penalty: '1.0' }, is: {} },
  { form: { n: '2' }, is: 'forbidden_field n' },
  { form: { max_completion_tokens: '65536' }, is: { max_completion_tokens: 65_536 } },
  { form: { max_completion_tokens: '65537' }, is: { max_completion_tokens: 65_536 } },
  { form: { max_completion_tokens: '0' }, is: 'value_out_of_range max_completion_tokens' },
  { form: { file: 'http://10.0.0.1/' }, is: {} },
  { form: { model: 'a\nb' }, is: 'invalid_field model' },
  { form: { model: '' }, is: 'model_not_allowed model' },
] as { form: Record<string, string>; is: unknown }[]) {
  test(`the form ${JSON.stringify(form).slice(0, 80)} is ${typeof is === 'string' ? is : 'sent'}`, () =>
    assert.deepEqual(sent(form), is));
}

test('the grant of beam search opens its width within the cap of n', () => {
  const grants = ['fields:beam-search'];
  assert.deepEqual(sent({ n: '4', use_beam_search: 'true' }, grants), { n: 4, use_beam_search: true });
  assert.equal(sent({ n: '5', use_beam_search: 'true' }, grants), 'value_out_of_range n');
});

test('a field that is there twice is refused, a list is not', () => {
  const twice = (name: string) => bodyOfForm([1, 2].map(() => ({ name, text: 'a' })));
  assert.deepEqual(twice('a[]'), { 'a[]': ['a', 'a'] });
  const refusal = twice('model');
  assert.ok(refusal instanceof Refusal);
  assert.deepEqual([refusal.code, refusal.path], ['invalid_field', 'model']);
});

test('names of an object prototype are members of their own', () => {
  const body = bodyOfForm([{ name: '__proto__', text: 'a' }]);
  assert.deepEqual(Object.keys(body), ['__proto__']);
  assert.equal(Object.getPrototypeOf(body), Object.prototype);
});

test('what a form says is the same after it was read and written', () => {
  const name = fc.oneof(fc.constantFrom('stream', 'seed', 'prompt', 'a[]', 'top_p', '__proto__'), fc.string());
  const text = fc.oneof(fc.constantFrom('true', 'false', '1', '0.5', '-3', 'x'), fc.string({ minLength: 1 }));
  fc.assert(
    fc.property(fc.uniqueArray(fc.record({ name, text }), { selector: (one) => one.name }), (fields) => {
      const body = bodyOfForm(fields);
      assert.ok(!(body instanceof Refusal));
      const again = bodyOfForm(formOfBody(body));
      assert.deepEqual(again, body);
    }),
  );
});

test("no field of the SDK's transcriptions and translations is unknown_field", () => {
  const rows = rowsOf('transcription');
  for (const kind of ['Transcription', 'Translation']) {
    const path = `openai/resources/audio/${kind.toLowerCase()}s.d.ts`;
    const types = readFileSync(new URL(`../../../node_modules/${path}`, import.meta.url), 'utf8');
    const [, members = ''] =
      new RegExp(`interface ${kind}CreateParams(?:Base)?<.*?\\{\\n(.*?)\\n\\}`, 's').exec(types) ?? [];
    const names = [...members.matchAll(/^ {4}(\w+)\??:/gm)].map(([, name = '']) => name);
    assert.ok(names.length >= 5, names.join(' '));
    const unknown = names.filter((name) => name !== 'model' && !rows.has(name) && !rows.has(`${name}[]`));
    assert.deepEqual(unknown, []);
  }
});
