import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdChange, releaseChange } from '../../src/directory/quarantines.ts';
import type { TestGateway } from '../support/gateway.ts';
import { auditRecords, auditText } from '../support/audit-records.ts';
import { ask } from '../support/http.ts';
import { startFleet } from './valkey/fleet.ts';
import { startInstances, type Instance } from './valkey/products.ts';

/** Two gateways on a real server: what one holds, the other refuses. */

const limits = { requestsPerMinute: 'none', concurrency: 'none' } as const;
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** As an operator does it. */
async function hold({ gateway: { admin } }: TestGateway, id: string): Promise<void> {
  await admin.commit([holdChange(admin.directory, { id, rule: 'operator', why: 'by hand', heldAtMs: Date.now() })]);
}

async function release({ gateway: { admin } }: TestGateway, id: string): Promise<void> {
  const record = admin.directory.quarantines.get(id);
  assert.ok(record);
  await admin.commit([releaseChange(record)]);
}

/** How long it takes until the gateway answers so, in milliseconds. */
async function until(gateway: TestGateway, key: string, status: number): Promise<number> {
  const startedMs = performance.now();
  while ((await ask(gateway, { key })).status !== status) await later(5);
  return Math.round(performance.now() - startedMs);
}

test('what is held on one instance is refused by the other, and let in again once it is released there', async (t) => {
  await using fleet = await startFleet(limits);
  const [first, second] = fleet.gateways;
  const key = fleet.issuer.token();
  const id = `subject:${fleet.issuer.url} user-1`;
  const other = fleet.issuer.token({ sub: 'somebody-else' });
  for (const gateway of fleet.gateways) assert.equal((await ask(gateway, { key })).status, 200);
  const tookMs: number[] = [];
  for (let round = 0; round < 5; round++) {
    await hold(first, id);
    tookMs.push(await until(second, key, 403));
    assert.equal((await ask(second, { key })).code, 'quarantined');
    assert.equal((await ask(second, { key: other })).status, 200);
    // Released where it was not held: each has the same say.
    await release(second, id);
    tookMs.push(await until(first, key, 200));
  }
  t.diagnostic(`${tookMs.join(', ')} ms`);
});

test('what is done while the server is away reaches the other when it is back with nothing, and nothing comes back', async () => {
  await using fleet = await startFleet(limits);
  const [first, second] = fleet.gateways;
  const [old, fresh, kept] = ['old', 'fresh', 'kept'].map((sub) => ({
    key: fleet.issuer.token({ sub }),
    id: `subject:${fleet.issuer.url} ${sub}`,
  }));
  assert.ok(old && fresh && kept);
  await hold(first, old.id);
  await hold(first, kept.id);
  await until(second, old.key, 403);
  await until(second, kept.key, 403);
  await fleet.server.kill();
  await hold(second, fresh.id);
  await release(first, old.id);
  // Neither is held up: what is held here goes on, and what is released is let in.
  assert.equal((await ask(first, { key: old.key })).status, 200);
  assert.equal((await ask(second, { key: old.key })).code, 'quarantined');
  assert.equal((await ask(first, { key: fresh.key })).status, 200);
  await fleet.server.start();
  await until(first, fresh.key, 403);
  await until(second, old.key, 200);
  await later(1_000);
  for (const gateway of fleet.gateways) {
    assert.equal((await ask(gateway, { key: old.key })).status, 200);
    assert.equal((await ask(gateway, { key: fresh.key })).code, 'quarantined');
    assert.equal((await ask(gateway, { key: kept.key })).code, 'quarantined');
  }
});

test('the record of it says where it came from, and makes nobody here the one who did it', async () => {
  await using fleet = await startFleet(limits);
  const [first, second] = fleet.gateways;
  const [theirs, ours] = ['theirs', 'ours'].map((sub) => ({
    key: fleet.issuer.token({ sub: `${sub}-name` }),
    id: `subject:${fleet.issuer.url} ${sub}-name`,
  }));
  assert.ok(theirs && ours);
  await hold(first, theirs.id);
  // Its own change makes an instance look at once: what it hears then is not the operator's.
  await second.gateway.admin.asActor({ kind: 'socket' }, undefined, () => hold(second, ours.id));
  await until(second, theirs.key, 403);
  await until(first, ours.key, 403);
  await second.gateway.stop();
  const records = auditRecords(second.stateDir);
  const [followed, ...none] = records.filter(({ unmapped }) => unmapped?.['from'] !== undefined);
  assert.deepEqual([followed?.activity_name, none], ['quarantine', []]);
  assert.match(String(followed?.unmapped?.['from']), new RegExp(`:${first.port}$`));
  const actors = records.flatMap(({ entity, actor }) => (entity?.type === 'quarantine' ? [actor?.user?.uid] : []));
  assert.deepEqual(actors.toSorted(), ['command', 'gateway']);
  assert.ok(!/theirs-name|ours-name/.test(auditText(second.stateDir)));
});

test('an instance that joins lets nobody in, not once, that the others hold', async () => {
  await using fleet = await startFleet(limits);
  const [first, second] = fleet.gateways;
  const ids = Array.from({ length: 200 }, (_, i) => `user-${i}`);
  for (const id of ids) await hold(first, `subject:${fleet.issuer.url} ${id}`);
  await until(second, fleet.issuer.token({ sub: 'user-199' }), 403);
  for (let round = 0; round < 3; round++) {
    await using third = await fleet.join();
    for (const sub of ['user-199', 'user-0']) {
      assert.equal((await ask(third, { key: fleet.issuer.token({ sub }) })).code, 'quarantined');
    }
    assert.equal((await ask(third, { key: fleet.issuer.token({ sub: 'somebody-else' }) })).status, 200);
  }
});

test('whoever holds by hand is told where the others cannot know of it, and so are readiness and metrics', async () => {
  await using it = await startInstances(2, limits);
  const [first, second] = it.all;
  assert.ok(first && second);
  const holdBy = (sub: string) => first.product().run('quarantine', 'hold', `subject:${it.issuer} ${sub}`, '--json');
  const told = holdBy('user-2');
  assert.deepEqual([(JSON.parse(told.out) as { shared?: boolean }).shared, told.err], [true, '']);
  const readiness = async (): Promise<unknown> =>
    (await first.ask({ method: 'GET', path: '/readyz' })).json?.['quarantine'];
  assert.equal(await readiness(), 'shared');
  await it.server.kill();
  const untold = holdBy('user-3');
  assert.equal(untold.exit, 0);
  assert.equal((JSON.parse(untold.out) as { shared?: boolean }).shared, false);
  assert.match(untold.err, /The other instances do not know of it yet/);
  while ((await readiness()) !== 'unshared') await later(50);
  await it.server.start();
  while ((await readiness()) !== 'shared') await later(50);
  assert.match(second.product().command('quarantine', 'list'), /user-3/);
});

test('by the commands, in the sandbox: an instance that was killed hears of a release when it is back, and undoes it not', async () => {
  await using it = await startInstances(2, limits);
  const [first, second] = it.all;
  assert.ok(first && second);
  const code = async (instance: Instance): Promise<string | number> => {
    const { status, code: why } = await instance.ask();
    return why ?? status;
  };
  const untilCode = async (instance: Instance, wanted: string | number): Promise<void> => {
    while ((await code(instance)) !== wanted) await later(20);
  };
  const id = `subject:${it.issuer} user-1`;
  first.product().command('quarantine', 'hold', id);
  await untilCode(second, 'quarantined');
  assert.match(second.product().command('quarantine', 'list'), /user-1/);
  await second.kill();
  // All that is known of the order is on the disks of the two.
  await it.server.kill();
  first.product().command('quarantine', 'release', id);
  await second.start();
  assert.equal(await code(second), 'quarantined');
  await it.server.start();
  await untilCode(second, 200);
  await later(1_000);
  assert.deepEqual([await code(first), await code(second)], [200, 200]);
  second.product().command('quarantine', 'hold', id);
  await untilCode(first, 'quarantined');
});
