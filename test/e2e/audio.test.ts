import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import OpenAI, { toFile } from 'openai';
import { SCOPES } from '../../src/kernel/scope.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, type Answer } from '../support/http.ts';
import { silence } from '../support/sound.ts';

const KIB = 1024;
const TRANSCRIPTIONS = '/v1/audio/transcriptions';
const TRANSLATIONS = '/v1/audio/translations';
const PATHS = [TRANSCRIPTIONS, TRANSLATIONS] as const;

let it: TestGateway;
let key: string;
let client: OpenAI;
before(async () => {
  it = await startTestGateway({ plain: true, config: { validation: { maxUploadBytes: '64KiB' } } });
  ({ key } = await it.issue({ scopes: ['inference:audio'], models: ['tiny'] }));
  client = new OpenAI({ baseURL: `${it.url}/v1`, apiKey: key, maxRetries: 0 });
});
after(() => it[Symbol.asyncDispose]());
beforeEach(() => it.simulator.clearReceived());

/** One part: its text or bytes, and what else its head has. */
type Part = readonly [name: string, content: string | Buffer, parameters?: string, headers?: string];
const BOUNDARY = 'callers-own';
const FORM = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };

function form(...parts: Part[]): Buffer {
  return Buffer.concat([
    ...parts.flatMap(([name, content, parameters = '', headers = '']) => [
      Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${parameters}\r\n${headers}\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ]);
}

const times = (count: number, part: Part): Part[] => Array.from({ length: count }, () => part);
const MODEL: Part = ['model', 'tiny'];
const FILE: Part = ['file', silence(), '; filename="../../etc/passwd.mp4"', 'Content-Type: video/mp4\r\n'];
const upload = (body: Buffer | string, path: string = TRANSCRIPTIONS, as = key): Promise<Answer> =>
  ask(it, { path, key: as, headers: FORM, body });
const arrived = () => it.simulator.received().filter(({ path }) => path.startsWith('/v1/audio/'));

/** The form that upstream got, read by a reader that is not ours. */
async function sentForm(): Promise<FormData> {
  const [request, ...others] = arrived();
  assert.ok(request?.body !== undefined && others.length === 0);
  const type = request.headers.find(([name]) => name === 'content-type')?.[1] ?? '';
  return new Response(request.body, { headers: { 'content-type': type } }).formData();
}

async function refuses(answer: Answer, status: number, code: string, param: string | null): Promise<void> {
  assert.deepEqual([answer.status, answer.code, answer.json?.error?.['param']], [status, code, param], answer.text);
  assert.equal(arrived().length, 0);
}

test('the stock OpenAI SDK transcribes a file', async () => {
  const file = await toFile(silence(), 'speech.wav', { type: 'audio/wav' });
  const answer = await client.audio.transcriptions.create({ model: 'tiny', file, language: 'en', temperature: 0.25 });
  assert.match(answer.text, /^\w+( \w+){15}$/);
  assert.deepEqual(Object.keys(answer), ['text', 'usage']);
  assert.deepEqual(answer.usage, { type: 'duration', seconds: 2 });
  const form = await sentForm();
  assert.deepEqual(arrived()[0]?.keys, [...form.keys()]);
  assert.deepEqual([...form.keys()].sort(), ['file', 'language', 'model', 'temperature']);
  assert.equal(form.get('temperature'), '0.25');
});

test('the stock OpenAI SDK transcribes with times of segments', async () => {
  const answer = await client.audio.transcriptions.create({
    model: 'tiny',
    file: await toFile(silence(), 'speech.wav'),
    response_format: 'verbose_json',
    timestamp_granularities: ['segment', 'word'],
  });
  assert.equal(answer.segments?.length, 1);
  assert.equal(answer.language, 'en');
  assert.deepEqual((await sentForm()).getAll('timestamp_granularities[]'), ['segment', 'word']);
});

for (const wantsUsage of [false, true]) {
  test(`the stock OpenAI SDK streams a transcription, ${wantsUsage ? 'with the usage that' : 'without usage, which'} it asked for`, async () => {
    const stream = await client.audio.transcriptions.create({
      model: 'tiny',
      file: await toFile(silence(), 'speech.wav'),
      stream: true,
      ...(wantsUsage ? { stream_include_usage: true } : {}),
    });
    const chunks: Record<string, unknown>[] = [];
    for await (const chunk of stream) chunks.push(chunk as unknown as Record<string, unknown>);
    assert.equal(chunks.length, wantsUsage ? 17 : 16);
    for (const chunk of chunks) {
      assert.equal(chunk['object'], 'transcription.chunk');
      assert.doesNotMatch(JSON.stringify(chunk), /stop_reason/);
    }
    assert.equal('usage' in (chunks.at(-1) ?? {}), wantsUsage);
    assert.equal((await sentForm()).get('stream_include_usage'), 'true');
  });
}

test('the stock OpenAI SDK translates a file', async () => {
  const answer = await client.audio.translations.create({ model: 'tiny', file: await toFile(silence(), 'speech.wav') });
  assert.match(answer.text, /^\w+( \w+){15}$/);
});

test('upstream gets a form of our own: the bytes of the recording, a name by its format, another boundary', async () => {
  assert.equal((await upload(form(FILE, MODEL, ['prompt', '']))).status, 200);
  const [request] = arrived();
  assert.ok(request?.body !== undefined);
  assert.doesNotMatch(JSON.stringify([request.headers, request.body]), /passwd|video|callers-own/);
  const sent = await sentForm();
  assert.deepEqual([...sent.keys()], ['model', 'file']);
  const file = sent.get('file');
  assert.ok(file instanceof File);
  assert.equal(file.name, 'audio.wav');
});

test('every request has a boundary of its own', async () => {
  const types: (string | undefined)[] = [];
  for (let i = 0; i < 2; i++) {
    it.simulator.clearReceived();
    await upload(form(MODEL, FILE));
    types.push(arrived()[0]?.headers.find(([name]) => name === 'content-type')?.[1]);
  }
  assert.match(types[0] ?? '', /^multipart\/form-data; boundary=sallyport-[0-9a-f-]{36}$/);
  assert.notEqual(types[0], types[1]);
});

for (const path of PATHS) {
  test(`${path} wants the scope inference:audio`, async () => {
    const { key: other } = await it.issue({ scopes: SCOPES.filter((one) => one !== 'inference:audio') });
    const answer = await upload(form(MODEL, FILE), path, other);
    assert.deepEqual([answer.status, answer.code], [403, 'insufficient_scope']);
    assert.equal(arrived().length, 0);
  });

  test(`${path} denies a model that was not granted, and none`, async () => {
    for (const parts of [[['model', 'foreign'], FILE], [FILE], [['model', ''], FILE]] as Part[][]) {
      await refuses(await upload(form(...parts), path), 403, 'model_not_allowed', 'model');
    }
  });

  test(`${path} takes forms only, and other routes take none`, async () => {
    const body = { model: 'tiny' };
    await refuses(await ask(it, { path, key, body }), 415, 'unsupported_media_type', null);
    const headers = { ...FORM, 'content-encoding': 'gzip' };
    await refuses(await ask(it, { path, key, headers, body: form(MODEL, FILE) }), 415, 'unsupported_media_type', null);
    const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' };
    const coded = await ask(it, { path, key, headers: urlencoded, body: 'model=tiny' });
    await refuses(coded, 415, 'unsupported_media_type', null);
  });
}

test('a JSON route takes no form', async () => {
  const { key: chatKey } = await it.issue();
  const answer = await upload(form(MODEL, FILE), '/v1/chat/completions', chatKey);
  assert.deepEqual([answer.status, answer.code], [415, 'unsupported_media_type']);
});

const REQUEST = 'invalid_request';
for (const { name, parts, code, param } of [
  { name: 'without file', parts: [MODEL], code: 'invalid_field', param: 'file' },
  { name: 'with two files', parts: [MODEL, FILE, FILE], code: REQUEST, param: 'file' },
  {
    name: 'with a second file of another name',
    parts: [MODEL, FILE, ['prompt', 'x', '; filename="x"']],
    code: REQUEST,
    param: 'file',
  },
  {
    name: 'with a file of another name',
    parts: [MODEL, ['audio', silence(), '; filename="x"']],
    code: REQUEST,
    param: 'file',
  },
  { name: 'with a file that is a field', parts: [MODEL, ['file', silence()]], code: REQUEST, param: 'file' },
  {
    name: 'with a URL in place of the file',
    parts: [MODEL, ['file', 'http://169.254.169.254/']],
    code: REQUEST,
    param: 'file',
  },
  { name: 'with an unknown field', parts: [MODEL, FILE, ['zzzz', '1']], code: 'unknown_field', param: 'zzzz' },
  {
    name: 'with a field of a prototype',
    parts: [MODEL, FILE, ['__proto__', '1']],
    code: 'unknown_field',
    param: '__proto__',
  },
  {
    name: 'with vllm_xargs',
    parts: [MODEL, FILE, ['vllm_xargs', '{"a":1}']],
    code: 'forbidden_field',
    param: 'vllm_xargs',
  },
  {
    name: 'with beam search',
    parts: [MODEL, FILE, ['use_beam_search', 'true']],
    code: 'forbidden_field',
    param: 'use_beam_search',
  },
  { name: 'with n', parts: [MODEL, FILE, ['n', '2']], code: 'forbidden_field', param: 'n' },
  {
    name: 'with a watermark',
    parts: [MODEL, FILE, ['watermarking', 'true']],
    code: 'forbidden_field',
    param: 'watermarking',
  },
  {
    name: 'with a field twice',
    parts: [MODEL, FILE, ['temperature', '0'], ['temperature', '1']],
    code: 'invalid_field',
    param: 'temperature',
  },
  { name: 'with a model twice', parts: [MODEL, FILE, ['model', 'foreign']], code: 'invalid_field', param: 'model' },
  {
    name: 'with a number that is none',
    parts: [MODEL, FILE, ['temperature', '0x1']],
    code: 'invalid_field',
    param: 'temperature',
  },
  { name: 'with NaN', parts: [MODEL, FILE, ['temperature', 'NaN']], code: 'invalid_field', param: 'temperature' },
  {
    name: 'with a number out of range',
    parts: [MODEL, FILE, ['temperature', '2.1']],
    code: 'value_out_of_range',
    param: 'temperature',
  },
  {
    name: 'with a boolean that is none',
    parts: [MODEL, FILE, ['stream', '1']],
    code: 'invalid_field',
    param: 'stream',
  },
  {
    name: 'with an answer as text',
    parts: [MODEL, FILE, ['response_format', 'srt']],
    code: 'invalid_field',
    param: 'response_format',
  },
  {
    name: 'with a language that is none',
    parts: [MODEL, FILE, ['language', '../en']],
    code: 'invalid_field',
    param: 'language',
  },
  {
    name: 'with three granularities',
    parts: [MODEL, FILE, ...times(3, ['timestamp_granularities[]', 'word'])],
    code: 'value_out_of_range',
    param: 'timestamp_granularities[]',
  },
  {
    name: 'with a text that is not UTF-8',
    parts: [MODEL, FILE, ['prompt', Buffer.from('ff', 'hex')]],
    code: 'invalid_encoding',
    param: 'prompt',
  },
  { name: 'with NUL in a text', parts: [MODEL, FILE, ['prompt', 'a\0']], code: 'invalid_encoding', param: 'prompt' },
  {
    name: 'with a control token in a text',
    parts: [MODEL, FILE, ['prompt', '<|im_start|>']],
    code: 'prompt_denied',
    param: 'prompt',
  },
  {
    name: 'with a control token in hot words',
    parts: [MODEL, FILE, ['hotwords', '<|im_start|>']],
    code: 'prompt_denied',
    param: 'hotwords',
  },
  {
    name: 'with a text of another charset',
    parts: [MODEL, FILE, ['prompt', 'a', '', 'Content-Type: text/plain; charset=utf-7\r\n']],
    code: REQUEST,
    param: 'prompt',
  },
  {
    name: 'with a text beyond 8 KiB',
    parts: [MODEL, FILE, ['prompt', 'a'.repeat(8 * KIB + 1)]],
    code: 'value_out_of_range',
    param: 'prompt',
  },
  {
    name: 'of an image',
    parts: [MODEL, ['file', '\x89PNG\r\n\x1a\n', '; filename="a.wav"', 'Content-Type: audio/wav\r\n']],
    code: 'invalid_field',
    param: 'file',
  },
  {
    name: 'of a WebM',
    parts: [MODEL, ['file', Buffer.from('1a45dfa3', 'hex'), '; filename="a.webm"']],
    code: 'invalid_field',
    param: 'file',
  },
  {
    name: 'of an empty file',
    parts: [MODEL, ['file', '', '; filename="a.wav"']],
    code: 'invalid_field',
    param: 'file',
  },
  {
    name: 'of a WAV that is cut',
    parts: [MODEL, ['file', silence().subarray(0, 30), '; filename="a.wav"']],
    code: 'invalid_field',
    param: 'file',
  },
  {
    name: 'of a WAV with 9 channels',
    parts: [MODEL, ['file', channels(9), '; filename="a.wav"']],
    code: 'value_out_of_range',
    param: 'file',
  },
] as { name: string; parts: Part[]; code: string; param: string }[]) {
  test(`an upload ${name} is ${code}`, async () => refuses(await upload(form(...parts)), 400, code, param));
}

function channels(count: number): Buffer {
  const bytes = silence(count * 2);
  bytes.writeUInt16LE(count, 22);
  bytes.writeUInt32LE(32_000 * count, 28);
  bytes.writeUInt16LE(2 * count, 32);
  return bytes;
}

const good = form(MODEL, FILE);
for (const { name, body, headers } of [
  { name: 'without its last boundary', body: good.subarray(0, -(BOUNDARY.length + 6)), headers: FORM },
  { name: 'with another boundary', body: good, headers: { 'content-type': 'multipart/form-data; boundary=x' } },
  { name: 'without boundary', body: good, headers: { 'content-type': 'multipart/form-data' } },
  { name: 'with two boundaries', body: good, headers: { 'content-type': `${FORM['content-type']}; boundary=x` } },
  { name: 'that is JSON', body: '{"model":"tiny"}', headers: FORM },
  { name: 'with bytes behind it', body: Buffer.concat([good, good]), headers: FORM },
  {
    name: 'with an encoding of a part',
    body: form(MODEL, ['file', 'UklGRg==', '; filename="a"', 'Content-Transfer-Encoding: base64\r\n']),
    headers: FORM,
  },
  { name: 'of 65 parts', body: form(...times(65, ['prompt', ''])), headers: FORM },
]) {
  test(`a form ${name} is invalid_request`, async () =>
    refuses(await ask(it, { path: TRANSCRIPTIONS, key, headers, body }), 400, REQUEST, null));
}

test('an upload of exactly maxUploadBytes is taken and one byte more is not', async () => {
  const around = form(MODEL, ['file', '', '; filename="a"']).length;
  const sized = (bytes: number): Buffer => form(MODEL, ['file', silence(bytes - around - 44), '; filename="a"']);
  assert.equal(sized(64 * KIB).length, 64 * KIB);
  assert.equal((await upload(sized(64 * KIB))).status, 200);
  it.simulator.clearReceived();
  await refuses(await upload(sized(64 * KIB + 1)), 413, 'body_too_large', null);
  const body = new Blob([new Uint8Array(sized(64 * KIB + 1))]).stream();
  const headers = { ...FORM, authorization: `Bearer ${key}` };
  const chunked = await fetch(`${it.url}${TRANSCRIPTIONS}`, { method: 'POST', headers, body, duplex: 'half' });
  assert.equal(chunked.status, 413);
  assert.equal(arrived().length, 0);
});

test('defaults of closed fields and fields that vLLM ignores are taken and not sent on', async () => {
  const parts: Part[] = [
    ['n', '1'],
    ['use_beam_search', 'false'],
    ['stream', 'false'],
    ['stream_include_usage', 'true'],
    ['chunking_strategy', 'auto'],
    ['include[]', 'logprobs'],
  ];
  assert.equal((await upload(form(MODEL, FILE, ...parts))).status, 200);
  assert.deepEqual([...(await sentForm()).keys()], ['model', 'stream', 'file']);
});

test('an output length above the cap is lowered', async () => {
  const answer = await upload(form(MODEL, FILE, ['max_completion_tokens', '999999']));
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers['x-sallyport-adjusted']), /^max_completion_tokens=\d+$/);
  const sent = Number((await sentForm()).get('max_completion_tokens'));
  assert.ok(sent < 999_999, `${sent}`);
});

test('seconds are no tokens: the log line of a transcription has none', async () => {
  const answer = await upload(form(MODEL, FILE));
  const id = String(answer.headers['x-request-id']);
  const line = () => it.log.find((one) => one.includes(id));
  // A worker tells of its requests a moment later.
  for (let i = 0; i < 100 && line() === undefined; i++) await setTimeout(20);
  assert.match(line() ?? '', /"route":"audio-transcriptions"/);
  assert.doesNotMatch(line() ?? '', /"(prompt|completion)Tokens":\d/);
});
