import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';

let gateway: TestGateway;
let key = '';
before(async () => {
  gateway = await startTestGateway({
    plain: true,
    config: { limits: { default: { requestsPerMinute: 3 } }, validation: { storedResponses: true } },
  });
});
beforeEach(async () => {
  const page = { limits: { requestsPerMinute: 'none', concurrency: undefined } as const, onBehalfOf: 'x-user' };
  ({ key } = await gateway.issue(page));
  await fetch(`${gateway.simulator.url}/_simulator/requests`, { method: 'DELETE' });
});
after(() => gateway[Symbol.asyncDispose]());

const body = { model: 'tiny', max_tokens: 2, messages: [{ role: 'user', content: 'Hello' }] };
const chat = async (user?: string, by = key) =>
  (await ask(gateway, { key: by, body, headers: user === undefined ? {} : { 'x-user': user } })).status;

interface Received {
  readonly method: string;
  readonly headers: unknown;
  readonly body?: string;
}
async function received(): Promise<Received[]> {
  const list = (await (await fetch(`${gateway.simulator.url}/_simulator/requests`)).json()) as Received[];
  return list.filter(({ method }) => method === 'POST');
}
const salts = async () =>
  (await received()).map(({ body: text }) => (JSON.parse(text ?? '{}') as { cache_salt?: string }).cache_salt);

test('each person has the default limits, and the page as a whole only its own', async () => {
  for (const user of ['ann', 'bob']) {
    assert.deepEqual([await chat(user), await chat(user), await chat(user), await chat(user)], [200, 200, 200, 429]);
  }
  assert.equal(await chat('cem'), 200);
});

test('the limits of the page hold for all people together, so that a name that is made up gains nothing', async () => {
  const page = await gateway.issue({ limits: { requestsPerMinute: 2, concurrency: undefined }, onBehalfOf: 'x-user' });
  const statuses = [await chat('a', page.key), await chat('b', page.key), await chat('c', page.key)];
  assert.deepEqual(statuses, [200, 200, 429]);
});

test('people have caches of their own, the same person the same one, and the name goes nowhere', async () => {
  for (const user of ['ann', 'bob', 'ann', undefined]) assert.equal(await chat(user), 200);
  const [ann, bob, again, page] = await salts();
  assert.equal(ann, again);
  assert.equal(new Set([ann, bob, page]).size, 3);
  assert.doesNotMatch(JSON.stringify(await received()), /x-user|"ann"/);
});

test('a name that a log cannot show is that of a person, too, apart from all others and with the limits of one', async () => {
  const names = ['\u00e9', '\u00e8', 'x'.repeat(129), `${'x'.repeat(129)}y`, 'a\tb'];
  const digest = hash('sha256', '\u00e9', 'base64url');
  for (const user of [...names, `sha256:${digest}`]) assert.equal(await chat(user), 200);
  assert.equal(await chat(), 200);
  assert.equal(new Set(await salts()).size, names.length + 2);
  const long = 'y'.repeat(200);
  assert.deepEqual([await chat(long), await chat(long), await chat(long), await chat(long)], [200, 200, 200, 429]);
});

test('an empty name counts as the page itself', async () => {
  assert.deepEqual([await chat(''), await chat()], [200, 200]);
  assert.equal(new Set(await salts()).size, 1);
});

test('a person cannot read the stored response of another one of the same page', async () => {
  const as = (user: string) => ({ key, headers: { 'x-user': user } });
  const made = await ask(gateway, {
    ...as('ann'),
    path: '/v1/responses',
    body: { model: 'tiny', input: 'Hello', store: true, max_output_tokens: 2 },
  });
  assert.equal(made.status, 200);
  const path = `/v1/responses/${String(made.json?.['id'])}`;
  assert.equal((await ask(gateway, { ...as('ann'), method: 'GET', path })).status, 200);
  assert.equal((await ask(gateway, { ...as('bob'), method: 'GET', path })).code, 'unknown_response');
  assert.equal((await ask(gateway, { key, method: 'GET', path })).code, 'unknown_response');
});

test('the log names the person, and the header of a key without --on-behalf-of says nothing', async () => {
  await chat('ann');
  const secret = (await gateway.issue()).key;
  await chat(secret);
  const plain = await gateway.issue();
  await chat('mallory', plain.key);
  const until = Date.now() + 5_000;
  const isLogged = () => gateway.log.some((line) => line.includes(plain.record.id));
  while (!isLogged() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
  const log = gateway.log.join('\n');
  assert.match(log, /"member":"ann"/);
  assert.doesNotMatch(log, /mallory/);
  // A page may give the key of a person as their name.
  assert.ok(log.includes('"member":"sha256:') && !log.includes(secret.slice(0, 14)));
});
