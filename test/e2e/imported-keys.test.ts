import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';

const SECRET = 'the-old-vllm-key-of-everybody';
let gateway: TestGateway;
before(async () => void (gateway = await startTestGateway({ plain: true, workers: 2 })));
after(() => gateway[Symbol.asyncDispose]());

const run = (line: string, value = SECRET) =>
  sallyport(gateway.stateDir, line, { stdin: () => Promise.resolve(`${value}\n`) });
const models = async (key: string) => {
  const { status, code } = await ask(gateway, { method: 'GET', path: '/v1/models', key });
  return code ?? status;
};

test('an imported secret works from the next request on, is marked, and its value is shown nowhere', async () => {
  assert.equal(await models(SECRET), 'invalid_credential');
  const made = await run('keys import --name legacy --value-stdin --expires 14d --models tiny --json');
  assert.equal(made.exit, 0, made.err);
  assert.ok(!made.out.includes(SECRET));
  const { id, legacy, key } = JSON.parse(made.out) as { id: string; legacy: boolean; key?: string };
  assert.deepEqual([legacy, key], [true, undefined]);
  for (let i = 0; i < 8; i++) assert.equal(await models(SECRET), 200);
  assert.equal(await models(`${SECRET}x`), 'invalid_credential');
  const list = await run('keys list');
  assert.match(list.out, new RegExp(`${id}  legacy +default +active, legacy`));
  assert.ok(!list.out.includes(SECRET));
  assert.ok(!gateway.log.join('\n').includes(SECRET));

  await run(`keys disable ${id}`);
  for (let i = 0; i < 8; i++) assert.equal(await models(SECRET), 'revoked_credential');
  await run(`keys enable ${id}`);
  assert.equal(await models(SECRET), 200);

  // Its holders move: the new value works beside the old one for a while, then alone.
  const rotated = JSON.parse((await run(`keys rotate ${id} --overlap 24h --json`)).out) as { key: string };
  assert.deepEqual([await models(SECRET), await models(rotated.key)], [200, 200]);
  await run(`keys rotate ${id} --json`);
  assert.deepEqual([await models(SECRET), await models(rotated.key)], ['invalid_credential', 'invalid_credential']);
  await run(`keys delete ${id}`);
});

test('an imported secret with an admin scope is good on the admin listener, as one of our own is', async () => {
  const master = 'the-master-key-of-before';
  const status = async () =>
    (await fetch(`${gateway.gateway.adminUrl}/api/v1/api-keys`, { headers: { authorization: `Bearer ${master}` } }))
      .status;
  assert.equal(await status(), 401);
  const made = await run('keys import --name master --value-stdin --scopes admin:read', master);
  assert.equal(made.exit, 0, made.err);
  assert.equal(await status(), 200);
});

test('a secret is imported once, and a revoked one is not imported back', async () => {
  const other = 'another-secret-of-20-and-more';
  const made = JSON.parse((await run('keys import --name one --value-stdin --json', other)).out) as { id: string };
  const again = await run('keys import --name two --value-stdin', other);
  assert.deepEqual([again.exit, again.out], [1, '']);
  assert.match(again.err, /is or was the value of another API key/);
  await run(`keys revoke ${made.id}`);
  assert.equal((await run('keys import --name three --value-stdin', other)).exit, 1);
  assert.equal(await models(other), 'revoked_credential');
});

for (const { name, value } of [
  { name: 'of 19 characters', value: 'a'.repeat(19) },
  { name: 'with a space', value: 'a secret with spaces in it' },
  { name: 'of an API key of a gateway', value: 'sp_Ab12cd_00000000000000000000000000000000000000' },
  { name: 'of 513 characters', value: 'a'.repeat(513) },
]) {
  test(`a secret ${name} is refused, and not repeated`, async () => {
    const ran = await run('keys import --name x --value-stdin', value);
    assert.deepEqual([ran.exit, ran.out], [2, '']);
    assert.match(ran.err, /^--value: /);
    assert.ok(!ran.err.includes(value));
  });
}
test('a secret of 20 characters is long enough', async () => {
  assert.equal((await run('keys import --name x --value-stdin', 'b'.repeat(20))).exit, 0);
});
