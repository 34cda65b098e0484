import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { startTestGateway } from '../support/gateway.ts';
import { ask, CHAT } from '../support/http.ts';

test('promtool finds nothing to say against the metrics page', async () => {
  await using it = await startTestGateway({ workers: 2 });
  const { key } = await it.issue();
  await ask(it, { key });
  await ask(it, { key, body: { ...CHAT, stream: true } });
  await ask(it, {});
  let text = it.gateway.admin.metrics();
  // A worker names a new series by a message, so the page follows the answer by a moment.
  while (!text.includes('status="401"')) {
    await new Promise((resolve) => setImmediate(resolve));
    text = it.gateway.admin.metrics();
  }
  assert.match(text, /sallyport_requests_total\{route="chat-completions",model="tiny",status="200",code=""\} 2/);
  assert.match(text, /sallyport_requests_total\{route="none",model="",status="401",code="missing_credential"\} 1/);
  assert.match(text, /sallyport_time_to_first_token_seconds_count\{route="chat-completions",model="tiny"\} 2/);
  const judged = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.equal(judged.status, 0, judged.stderr + judged.stdout);
});
