import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import OpenAI from 'openai';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { startProduct, type Product } from '../support/product.ts';
import { openAiClient } from '../support/sdk.ts';

let it: TestGateway;
let client: OpenAI;
before(async () => {
  it = await startTestGateway({ workers: 2, config: { validation: { storedResponses: true } } });
  client = await openAiClient(it);
});
after(() => it[Symbol.asyncDispose]());
beforeEach(() => it.simulator.clearReceived());

const HI = { model: 'tiny', input: 'Hello there', max_output_tokens: 5 };
/** What upstream got for its responses, and nothing of the gateway's own questions. */
const received = () => it.simulator.received().filter(({ path }) => path.startsWith('/v1/responses'));
const sent = (): Record<string, unknown> => JSON.parse(received().at(-1)?.body ?? '{}') as Record<string, unknown>;
const isCode = (code: string) => (error: unknown) => error instanceof OpenAI.APIError && error.code === code;

test('the stock OpenAI SDK stores a response, reads it, continues it, and reads that, on any worker', async () => {
  const first = await client.responses.create({ ...HI, store: true });
  assert.match(first.id, /^resp_[A-Za-z0-9_-]{60,}$/);
  for (let i = 0; i < 8; i++) assert.deepEqual(await client.responses.retrieve(first.id), first);
  const second = await client.responses.create({ ...HI, previous_response_id: first.id, store: true });
  assert.equal(second.previous_response_id, first.id);
  assert.ok((second.usage?.input_tokens ?? 0) > (first.usage?.input_tokens ?? 0), 'upstream knows what was said');
  assert.deepEqual(await client.responses.retrieve(second.id), second);
  // Upstream's own ids are those of its own memory, and no caller sees them.
  const [, upstreamId] = /^\/v1\/responses\/([^/]+)$/.exec(received().at(-1)?.path ?? '') ?? [];
  assert.match(upstreamId ?? '', /^resp_/);
  assert.notEqual(upstreamId, second.id);
  assert.ok(!JSON.stringify([first, second]).includes(upstreamId ?? assert.fail()));
});

test('the stock OpenAI SDK asks in the background, polls until it has ended, and cancels another', async () => {
  const queued = await client.responses.create({ ...HI, background: true });
  assert.deepEqual([queued.status, queued.background, queued.output_text], ['queued', true, '']);
  assert.equal(sent()['store'], true);
  const statuses: unknown[] = [];
  let seen = queued;
  while (seen.status === 'queued') {
    seen = await client.responses.retrieve(queued.id);
    statuses.push(seen.status);
  }
  assert.deepEqual(statuses, ['queued', 'incomplete']);
  assert.equal(seen.id, queued.id);
  assert.ok(seen.output_text.length > 0);

  const other = await client.responses.create({ ...HI, background: true, store: true });
  const cancelled = await client.responses.cancel(other.id);
  assert.deepEqual([cancelled.id, cancelled.status], [other.id, 'cancelled']);
  assert.equal((await client.responses.retrieve(other.id)).status, 'cancelled');
});

test('the events of a stored stream all carry the id that leads back to it', async () => {
  const first = await client.responses.create({ ...HI, store: true });
  const ids = new Set<string>();
  const previous = new Set<unknown>();
  for await (const event of await client.responses.create({
    ...HI,
    store: true,
    stream: true,
    previous_response_id: first.id,
  })) {
    if (!('response' in event)) continue;
    ids.add(event.response.id);
    previous.add(event.response.previous_response_id);
  }
  assert.deepEqual([...previous], [first.id]);
  const [id = ''] = ids;
  assert.equal(ids.size, 1);
  const read = await client.responses.retrieve(id);
  assert.deepEqual([read.id, read.previous_response_id], [id, first.id]);
});

test('what is not asked to be stored is stored nowhere, and its id leads nowhere', async () => {
  for (const change of [{}, { store: false }]) {
    const answer = await client.responses.create({ ...HI, ...change });
    assert.equal(sent()['store'], false);
    await assert.rejects(client.responses.retrieve(answer.id), isCode('unknown_response'));
    await assert.rejects(client.responses.create({ ...HI, previous_response_id: answer.id }), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.deepEqual([error.code, error.param], ['unknown_response', 'previous_response_id']);
      return true;
    });
  }
});

test('an unstored answer that continues a stored one names it by the id of the caller', async () => {
  const first = await client.responses.create({ ...HI, store: true });
  const answer = await client.responses.create({ ...HI, previous_response_id: first.id });
  assert.equal(answer.previous_response_id, first.id);
  assert.deepEqual([sent()['store'], typeof sent()['previous_response_id']], [false, 'string']);
});

test('a response in the background that must not be stored is invalid_field: nobody could ever read it', async () => {
  await assert.rejects(client.responses.create({ ...HI, background: true, store: false }), isCode('invalid_field'));
  assert.equal(received().length, 0);
});

test('a response that still runs is not continued: nobody has seen what the model will say', async () => {
  const { id } = await client.responses.create({ ...HI, background: true });
  await assert.rejects(client.responses.create({ ...HI, previous_response_id: id }), isCode('invalid_field'));
  await client.responses.retrieve(id);
  assert.equal((await client.responses.create({ ...HI, previous_response_id: id })).previous_response_id, id);
});

test('what has ended cannot be cancelled, and that is said in our own words', async () => {
  const ended = await client.responses.create({ ...HI, store: true });
  await assert.rejects(client.responses.cancel(ended.id), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.code, 'invalid_request');
    assert.match(error.message, /background: true/);
    assert.doesNotMatch(error.message, /synchronous/);
    return true;
  });
});

test('a stored response as a stream is refused aloud: the SDK would take JSON for a stream without events', async () => {
  const { id } = await client.responses.create({ ...HI, store: true });
  it.simulator.clearReceived();
  await assert.rejects(client.responses.retrieve(id, { stream: true }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.deepEqual([error.code, error.param], ['invalid_request', 'stream']);
    return true;
  });
  assert.equal(received().length, 0);
  assert.equal((await client.responses.retrieve(id, { stream: false })).id, id);
});

test('a response that the model server has forgotten is unknown_response, read or continued', async () => {
  const { id } = await client.responses.create({ ...HI, store: true });
  it.simulator.forgetResponses();
  await assert.rejects(client.responses.retrieve(id), isCode('unknown_response'));
  await assert.rejects(client.responses.cancel(id), isCode('unknown_response'));
  await assert.rejects(client.responses.create({ ...HI, previous_response_id: id }), isCode('unknown_response'));
  assert.equal(received().length, 4);
});

test('a server that stores nothing says so for what needs it, with what its operator has to do', async () => {
  await using without = await startTestGateway({
    plain: true,
    simulator: { responseStore: false },
    config: { validation: { storedResponses: true } },
  });
  const { key } = await without.issue();
  const answer = await ask(without, { path: '/v1/responses', key, body: { ...HI, background: true } });
  assert.deepEqual([answer.status, answer.code, answer.json?.error?.['param']], [400, 'invalid_request', 'background']);
  assert.match(String(answer.json?.error?.['message']), /VLLM_ENABLE_RESPONSES_API_STORE=1/);
});

test('reading and cancelling count as requests of the key', async () => {
  const { key } = await it.issue({ limits: { requestsPerMinute: 3, concurrency: undefined } });
  const made = await ask(it, { path: '/v1/responses', key, body: { ...HI, background: true } });
  const path = `/v1/responses/${String(made.json?.['id'])}`;
  assert.equal((await ask(it, { method: 'GET', path, key })).status, 200);
  assert.equal((await ask(it, { path: `${path}/cancel`, key, body: '' })).status, 200);
  assert.equal((await ask(it, { method: 'GET', path, key })).code, 'rate_limited');
});

test('after a restart of the gateway the owner still reads its responses, also by the new value of a rotated key', async (t) => {
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, chunkIntervalMs: 0 });
  const stateDir = mkdtempSync(join(tmpdir(), 'sallyport-stored-'));
  t.after(async () => {
    await simulator.close();
    rmSync(stateDir, { recursive: true, force: true });
  });
  const serve = async (): Promise<Product> => {
    const product = await startProduct(['--upstream', simulator.url, '--workers', '2'], stateDir, {
      SALLYPORT__VALIDATION__STORED_RESPONSES: 'true',
    });
    t.after(() => product.end());
    return product;
  };
  const to = ({ url, caFile }: Product) => ({ url, ca: readFileSync(caFile, 'utf8'), port: Number(new URL(url).port) });
  const first = await serve();
  const issued = JSON.parse(first.command('keys', 'create', '--name', 'a', '--json')) as { id: string; key: string };
  const made = await ask(to(first), { path: '/v1/responses', key: issued.key, body: { ...HI, store: true } });
  assert.equal(made.status, 200, made.text);
  const path = `/v1/responses/${String(made.json?.['id'])}`;
  await first.end();

  const second = await serve();
  const read = await ask(to(second), { method: 'GET', path, key: issued.key });
  assert.deepEqual([read.status, read.json], [200, made.json]);
  const rotated = JSON.parse(second.command('keys', 'rotate', issued.id, '--json')) as { key: string };
  assert.equal((await ask(to(second), { method: 'GET', path, key: rotated.key })).status, 200);
  const other = JSON.parse(second.command('keys', 'create', '--name', 'b', '--json')) as { key: string };
  const foreign = await ask(to(second), { method: 'GET', path, key: other.key });
  assert.deepEqual([foreign.status, foreign.code], [404, 'unknown_response']);
});
