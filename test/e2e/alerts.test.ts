import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sallyport } from '../support/command.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startSink } from '../support/sink.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

test('a key that is held by hand is a signed message at once', async (t) => {
  await using sink = await startSink();
  await using it = await startTestGateway({
    config: {
      alerts: {
        channels: [{ name: 'ops', type: 'webhook', webhookUrl: `${sink.url}/in`, secret: SECRET }],
        groupInterval: '10s',
      },
    },
  });
  const { record } = await it.issue();
  const sinceMs = performance.now();
  assert.equal((await sallyport(it.stateDir, `quarantine hold ${record.id} --why stolen`)).exit, 0);
  const [held] = await sink.until(1);
  t.diagnostic(`told ${Math.round(performance.now() - sinceMs)} ms after the command was given`);
  assert.ok(held);
  const data = Object(held.json['data']);
  assert.equal(data.event, 'quarantine');
  assert.equal(data.severity, 'critical');
  assert.equal(data.alerts[0].subject, `key:${record.id}`);
  assert.ok(data.alerts[0].todo.includes(`sallyport quarantine release key:${record.id}`));
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = held.headers;
  const signed = [id, at, held.body].join('.');
  const right = createHmac('sha256', Buffer.alloc(32, 7)).update(signed).digest('base64');
  assert.equal(signature, `v1,${right}`);
});

const webhookTo = (url: string, more: object = {}) => ({
  alerts: { channels: [{ name: 'ops', type: 'webhook', webhookUrl: url, secret: SECRET, ...more }] },
});

test('a silence hides the message and not the record, and is a change in the audit log', async () => {
  await using sink = await startSink();
  await using it = await startTestGateway({ config: webhookTo(sink.url) });
  const [one, other] = [await it.issue(), await it.issue()];
  const made = await sallyport(
    it.stateDir,
    `alerts silence --event quarantine --subject key:${one.record.id} --for 2h --reason drill --json`,
  );
  assert.equal(made.exit, 0, made.err);
  const { id } = JSON.parse(made.out) as { id: string };
  assert.equal((await sallyport(it.stateDir, `quarantine hold ${one.record.id}`)).exit, 0);
  assert.equal((await sallyport(it.stateDir, `quarantine hold ${other.record.id}`)).exit, 0);
  const [first] = await sink.until(1);
  assert.equal(Object(first?.json['data']).alerts[0].subject, `key:${other.record.id}`);
  assert.match(
    (await sallyport(it.stateDir, 'alerts silences')).out,
    new RegExp(`${id} .*event=quarantine subject=key:`),
  );
  const found = await sallyport(it.stateDir, 'audit-log search --kind change --json');
  assert.match(found.out, /silences/);
  assert.match(found.out, new RegExp(`key:${one.record.id}`));
  assert.equal((await sallyport(it.stateDir, `alerts unsilence ${id}`)).exit, 0);
  assert.equal((await sallyport(it.stateDir, 'alerts silences')).out, 'Nothing is silenced.\n');
  assert.equal((await sallyport(it.stateDir, `alerts unsilence ${id}`)).exit, 1);
});

test('a test message says what came back, and nothing else is sent', async () => {
  await using sink = await startSink(
    (response, index) => void response.writeHead(index === 0 ? 200 : 401).end('no\x1b[2Jpe'),
  );
  await using it = await startTestGateway({ config: webhookTo(sink.url) });
  assert.deepEqual(await sallyport(it.stateDir, 'alerts test ops'), {
    ...{ exit: 0, out: 'sent to ops: it answered 200: no [2Jpe\n', err: '' },
  });
  assert.deepEqual(await sallyport(it.stateDir, 'alerts test ops'), {
    ...{ exit: 1, out: '', err: 'not sent to ops: it answered 401: no [2Jpe\n' },
  });
  assert.deepEqual((await sallyport(it.stateDir, 'alerts test chat')).exit, 1);
  assert.match((await sallyport(it.stateDir, 'alerts list')).out, /ops +webhook +warning/);
  assert.deepEqual(
    sink.got.map(({ json }) => json['type']),
    ['sallyport.test', 'sallyport.test'],
  );
});

test('without a gateway running nothing can be tested, and a silence is kept for it', async () => {
  const it = await startTestGateway({ config: webhookTo('http://127.0.0.1:9') });
  const { stateDir } = it;
  await it.gateway.stop();
  await it.simulator.close();
  const tried = await sallyport(stateDir, 'alerts test ops');
  assert.equal(tried.exit, 1);
  assert.match(tried.err, /^No gateway runs/);
  assert.equal((await sallyport(stateDir, 'alerts silence --event ban --for 1h --reason known')).exit, 0);
  assert.match((await sallyport(stateDir, 'alerts silences')).out, /event=ban/);
  rmSync(stateDir, { recursive: true });
});

for (const [line, said] of [
  ['alerts silence --for 2h --reason x', /at least one of event/],
  ['alerts silence --event ban --reason x', /Say how long and why/],
  ['alerts silence --event ban --for 31d --reason x', /--for: Give a duration from 1m to 30d/],
  ['alerts silence --event * --for 1h --reason x', /--event: Give a text/],
  ['alerts silence --severity bad --for 1h --reason x', /--severity/],
] as const)
  test(`${line} is refused as wrong usage`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-alerts-'));
    const { exit, err } = await sallyport(dir, line);
    rmSync(dir, { recursive: true });
    assert.equal(exit, 2);
    assert.match(err, said);
  });
