import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { sallyport } from '../support/command.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startSink } from '../support/sink.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

test('a key that is held by hand is a signed message within a second, and its release is one too', async () => {
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
  // The command itself takes some of it.
  assert.ok(performance.now() - sinceMs < 3_000);
  assert.ok(held);
  const data = Object(held.json['data']);
  assert.equal(data.event, 'quarantine');
  assert.equal(data.severity, 'critical');
  assert.equal(data.alerts[0].subject, `key:${record.id}`);
  assert.ok(data.alerts[0].todo.includes(`sallyport quarantine release key:${record.id}`));
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = held.headers;
  const right = createHmac('sha256', Buffer.alloc(32, 7)).update(`${id}.${at}.${held.body}`).digest('base64');
  assert.equal(signature, `v1,${right}`);
});
