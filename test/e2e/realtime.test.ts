import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openRealtime, pcm } from '../support/web-socket.ts';

let it: TestGateway;
let key: string;
before(async () => {
  it = await startTestGateway({ plain: true });
  ({ key } = await it.issue({ scopes: ['inference:realtime'], models: ['tiny'] }));
});
after(() => it[Symbol.asyncDispose]());
beforeEach(() => it.simulator.clearReceived());

test('audio becomes text: the session of vLLM, with an id of the gateway', async () => {
  await using client = await openRealtime(it, { key });
  const created = await client.next('session.created');
  assert.match(String(created['id']), /^sess-[0-9a-f-]{36}$/);
  client.send({ type: 'session.update', model: 'tiny' });
  client.send({ type: 'input_audio_buffer.commit' });
  for (let i = 0; i < 3; i++) client.send({ type: 'input_audio_buffer.append', audio: pcm(160, i) });
  client.send({ type: 'input_audio_buffer.commit', final: true });
  const done = await client.next('transcription.done');
  assert.match(String(done['text']), /^\w+ \w+ \w+$/);
});
