import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferenceRequest, OpenRoute, ParsedHead } from '../../kernel/exchange.ts';
import { AnyExchange } from '../../kernel/exchange.ts';
import { deny } from '../../kernel/reasons.ts';
import type { Denial } from '../../kernel/reasons.ts';
import type { BodyRead, Downstream } from '../../kernel/transport.ts';
import { alice } from '../../../test/support/exchange.ts';
import { patches } from '../../vllm/patches/index.ts';
import { createPatchCheck } from '../../vllm/patches/patch.ts';
import { matchRoute } from '../../vllm/routes/match.ts';
import { validationConfig } from './config.ts';
import { createResponseIds } from '../../wire/response-id.ts';
import { createValidate } from './stage.ts';

const config = validationConfig.parse({});
const chat = { model: 'tiny', messages: [{ role: 'user', content: 'hello' }] };

const responseIds = createResponseIds(Buffer.alloc(32, 1));

for (const { bytes, code } of [
  { bytes: 1024, code: undefined },
  { bytes: 1025, code: 'value_out_of_range' },
]) {
  test(`a text of ${bytes} bytes once its control tokens are broken is ${code ?? 'let through'}`, async () => {
    const neutralising = validationConfig.parse({ controlTokens: 'neutralise', caps: { textBytes: '1KiB' } });
    const spelt = 50;
    const content = '<|im_end|>'.repeat(spelt);
    const rest = bytes - 'usertiny'.length - content.length - spelt;
    const body = { model: 'tiny', messages: [{ role: 'user', content: content + 'x'.repeat(rest) }] };
    const { denial, request } = await send({ body, config: neutralising });
    assert.deepEqual([denial?.code, denial?.param], [code, code === undefined ? undefined : 'messages']);
    if (code === undefined) assert.match(JSON.stringify(request?.body), /< \|im_end/);
  });
}

interface Sent {
  readonly body?: unknown;
  readonly read?: BodyRead;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly config?: typeof config;
}

interface Answer {
  readonly denial: Denial | undefined;
  readonly request: InferenceRequest | undefined;
  /** Limit with which the body was read; undefined where it was not read. */
  readonly readBytes: number | undefined;
}

async function send({ body, read, path = '/v1/chat/completions', headers, ...rest }: Sent): Promise<Answer> {
  let readBytes: number | undefined;
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? chat);
  const downstream = {
    readBody(maxBytes: number): Promise<BodyRead> {
      readBytes = maxBytes;
      return Promise.resolve(read ?? { kind: 'body', bytes: Buffer.from(text) });
    },
  } as unknown as Downstream; // the stage uses nothing else of it
  const head: ParsedHead = {
    method: 'POST',
    path,
    headers: new Map(Object.entries(headers ?? { 'content-type': 'application/json' })),
    hasBody: true,
    isUpgrade: false,
  };
  const x = Object.assign(new AnyExchange('id', 0, downstream, false), {
    head,
    principal: alice,
    route: routeOf(path),
  });
  const stage = createValidate(rest.config ?? config, {
    maxOutputTokens: 65_536,
    tenantKey: Buffer.alloc(32, 1),
    responseIds,
    controlTokens: [],
    aliases: new Map(),
    factsOf: () => ({ contextTokens: undefined, knowsSalt: true }),
    patchCheckOf: () => createPatchCheck(patches),
  });
  const denial = await stage.decide?.(x);
  return { denial, request: x.request, readBytes };
}

function routeOf(path: string): OpenRoute {
  const row = matchRoute(path);
  assert.ok(row?.family !== undefined && row.scope !== undefined);
  return { id: row.id, family: row.family, method: 'POST', path, scope: row.scope };
}

async function denies(sent: Sent, expected: Partial<Denial>): Promise<void> {
  const { denial, request } = await send(sent);
  assert.ok(denial !== undefined, 'was let through');
  for (const [name, value] of Object.entries(expected)) {
    assert.deepEqual(denial[name as keyof Denial], value); // the names of a Partial<Denial>
  }
  assert.equal(request, undefined);
}

test('a good chat body becomes the request that is sent', async () => {
  const { denial, request, readBytes } = await send({});
  assert.equal(denial, undefined);
  assert.equal(readBytes, config.maxBodyBytes);
  const { cache_salt: salt, ...body } = request?.body ?? {};
  assert.deepEqual(body, { ...chat, max_tokens: 65_536 });
  assert.match(String(salt), /^[A-Za-z0-9_-]{43}$/);
});

test('a control token in a refusal that is sent as content is told where it was written', async () => {
  const body = JSON.stringify({ model: 'tiny', messages: [{ role: 'assistant', refusal: 'no <|im_end|>' }] });
  await denies({ body }, { code: 'prompt_denied', param: 'messages[0].refusal' });
});

test('a good completions body and a good embeddings body are let through', async () => {
  assert.equal((await send({ path: '/v1/completions', body: { model: 'm', prompt: 'a' } })).denial, undefined);
  assert.equal((await send({ path: '/v1/embeddings', body: { model: 'm', input: ['a'] } })).denial, undefined);
});

for (const { name, headers } of [
  { name: 'without content type', headers: {} },
  { name: 'of another type', headers: { 'content-type': 'text/plain' } },
  { name: 'of another charset', headers: { 'content-type': 'application/json; charset=utf-16' } },
  { name: 'with a content coding', headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } },
]) {
  test(`a body ${name} is unsupported_media_type and is not read`, async () => {
    const { denial, readBytes } = await send({ headers });
    assert.deepEqual(denial, deny('unsupported_media_type'));
    assert.equal(readBytes, undefined);
  });
}

for (const { kind, expected } of [
  { kind: 'too-large', expected: { code: 'body_too_large', param: null } },
  { kind: 'timeout', expected: { code: 'request_timeout' } },
  { kind: 'no-room', expected: { code: 'overloaded', retryAfterMs: 1000 } },
  { kind: 'broken', expected: { code: 'invalid_request' } },
] as const) {
  test(`a body that is ${kind} is ${expected.code}`, () => denies({ read: { kind } }, expected));
}

for (const { name, body, code, param } of [
  { name: 'that is empty', body: '', code: 'invalid_json', param: null },
  { name: 'that is no JSON', body: '{', code: 'invalid_json', param: null },
  { name: 'that is a list', body: '[]', code: 'invalid_json', param: null },
  { name: 'with a byte order mark', body: '\ufeff{}', code: 'invalid_encoding', param: null },
  { name: 'with a name twice', body: '{"model":"a","model":"b"}', code: 'duplicate_key', param: 'model' },
  { name: 'with a huge integer', body: '{"seed":9007199254740993}', code: 'value_out_of_range', param: 'seed' },
  { name: 'with a bad field', body: { ...chat, n: '2' }, code: 'invalid_field', param: 'n' },
  { name: 'with a closed field', body: { ...chat, priority: 1 }, code: 'forbidden_field', param: 'priority' },
  { name: 'with an unknown field', body: { ...chat, foo: 1 }, code: 'unknown_field', param: 'foo' },
  { name: 'with a number above its cap', body: { ...chat, n: 5 }, code: 'value_out_of_range', param: 'n' },
  { name: 'without model', body: { messages: chat.messages }, code: 'model_not_allowed', param: 'model' },
  { name: 'with a bad message', body: { model: 'm', messages: [1] }, code: 'invalid_field', param: 'messages[0]' },
] as const) {
  test(`a body ${name} is ${code}`, () => denies({ body }, { code, param }));
}

test('an output length above the cap is lowered, or refused where the operator wants it', async () => {
  const body = { ...chat, max_tokens: 65_537 };
  assert.deepEqual((await send({ body })).request?.adjusted, ['max_tokens=65536']);
  const strict = validationConfig.parse({ overCap: 'deny' });
  await denies({ body, config: strict }, { code: 'value_out_of_range', param: 'max_tokens' });
});

test('no message of a denial repeats what the body says', async () => {
  for (const body of ['{"model":"SECRET', '{"SECRET', { ...chat, stop: { SECRET: 1 } }, { ...chat, n: 'SECRET' }]) {
    const { denial } = await send({ body });
    assert.ok(denial !== undefined && !JSON.stringify(denial).includes('SECRET'));
  }
});
