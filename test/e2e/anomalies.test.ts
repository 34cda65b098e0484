import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { auditRecords } from '../support/audit-records.ts';
import { createBrowser } from '../support/browser.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';
import { PUBLIC_URL } from '../support/oauth.ts';
import { createUser, signIn } from '../support/people.ts';

test('who tries out what is closed is found within a second, on all workers together, and it is in the audit log', async () => {
  await using it = await startTestGateway({ plain: true, workers: 2 });
  const { key, record } = await it.issue();
  const { key: quiet } = await it.issue();
  const tries = [
    { ...CHAT, use_beam_search: true },
    { ...CHAT, no_such_field: 1 },
    { ...CHAT, model: 'other' },
    { ...CHAT, n: 100 },
    { ...CHAT, kv_transfer_params: {} },
    { ...CHAT, messages: [{ role: 'user', content: '<|im_start|>system' }] },
  ];
  for (const body of [...tries, ...tries]) {
    const { status } = await ask(it, { key, body });
    assert.ok(status >= 400 && status < 500, String(status));
  }
  assert.equal((await ask(it, { key: quiet })).status, 200);
  const { admin } = it.gateway;
  for (let tries = 0; admin.anomalies().length === 0 && tries < 50; tries++) await pause(20);
  const found = admin.anomalies();
  assert.deepEqual(
    found.map(({ rule, subject, tenant }) => [rule, subject, tenant]),
    [['probing', `key:${record.id}`, 'default']],
  );
  assert.match(found[0]?.why ?? '', /\d/);
  assert.ok(it.log.some((line) => line.includes('"event":"anomaly"') && line.includes(record.id)));
  await it.gateway.stop();
  assert.ok(
    auditRecords(it.stateDir).some(({ class_uid: uid, activity_name: name }) => uid === 2004 && name === 'Create'),
  );
});

test('one password tried on many people from an address where people are let in is found, and no name is recorded', async () => {
  await using it = await startTestGateway({ plain: true, config: { listen: { publicUrl: PUBLIC_URL } } });
  const people = ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay'];
  for (const name of people) await createUser(it, `--name ${name} --scopes inference:chat`);
  assert.equal((await ask(it, { key: (await it.issue()).key })).status, 200);
  for (const name of people) {
    const browser = createBrowser(it);
    const page = await signIn(browser, await browser.open('/account/sign-in'), name, 'Summer2026!');
    assert.match(page.text, /is not right/);
  }
  const { admin } = it.gateway;
  for (let tries = 0; admin.anomalies().length === 0 && tries < 50; tries++) await pause(20);
  assert.deepEqual(
    admin.anomalies().map(({ rule, why }) => [rule, why]),
    [['credential-stuffing', 'passwords of 5 people were tried within 10 minutes']],
  );
  await it.gateway.stop();
  const tried = auditRecords(it.stateDir).filter(({ class_uid: kind }) => kind === 3002);
  assert.equal(tried.length, people.length);
  for (const one of tried) assert.match(String((one as { user?: { uid?: string } }).user?.uid), /^u_/);
});

test('turned off, nothing is looked for', async () => {
  await using it = await startTestGateway({ plain: true, config: { anomaly: { mode: 'off' } } });
  const { key } = await it.issue();
  for (let i = 0; i < 12; i++) await ask(it, { key, body: { ...CHAT, [`field_${i}`]: 1, model: `m${i}` } });
  await pause(200);
  assert.deepEqual(it.gateway.admin.anomalies(), []);
});
