import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { settableClock } from '../../../test/support/clock.ts';
import { signCheckpoint } from '../checkpoint.ts';
import { createSigner } from '../note.ts';
import { createTree } from '../tree.ts';
import { createCopier } from './copier.ts';

const KEY = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
const signer = createSigner('sallyport/0123456789abcdef', KEY);
const checkpoint = (size: number): string => signCheckpoint({ size, root: createTree().root() }, signer);

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await setImmediate();
}

/** A copier whose place fails while `isDown`. */
function rig(everyMs: number) {
  const clock = settableClock();
  const state = { last: undefined as string | undefined, isDown: false };
  const got: number[] = [];
  const said: string[] = [];
  const copier = createCopier({
    last: () => state.last,
    async send(_, { size }) {
      if (state.isDown) throw new Error('down');
      got.push(size);
    },
    clock,
    everyMs,
    on: {
      sent: () => undefined,
      failed: () => said.push('failed'),
      failing: (why) => said.push(why),
      recovered: () => said.push('recovered'),
    },
  });
  const after = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  return { state, got, said, copier, after };
}

test('the last checkpoint is copied once in its time, and none twice', async () => {
  const it = rig(60_000);
  await it.after(0);
  it.state.last = checkpoint(1);
  await it.after(59_999);
  it.state.last = checkpoint(2);
  assert.deepEqual(it.got, []);
  await it.after(1);
  await it.after(60_000);
  assert.deepEqual(it.got, [2]);
  it.state.last = checkpoint(3);
  await it.after(60_000);
  assert.deepEqual(it.got, [2, 3]);
});

test('the last of all is copied at the end, however short before that the one before was', async () => {
  const it = rig(86_400_000);
  it.state.last = checkpoint(1);
  await it.after(0);
  await it.after(86_400_000);
  it.state.last = checkpoint(2);
  await it.copier.close(1_000);
  assert.deepEqual(it.got, [1, 2]);
});

test('a place that stumbles only at the end is asked again until it takes the last', async () => {
  const it = rig(86_400_000);
  await it.after(0);
  it.state.last = checkpoint(1);
  it.state.isDown = true;
  const closed = it.copier.close(1_000);
  await settle();
  assert.deepEqual(it.said, ['down', 'failed']);
  it.state.isDown = false;
  await it.after(250);
  await closed;
  assert.deepEqual(it.got, [1]);
});

test('a place that was away before is asked once at the end', async () => {
  const it = rig(60_000);
  await it.after(0);
  it.state.last = checkpoint(1);
  it.state.isDown = true;
  await it.after(60_000);
  await it.copier.close(1_000);
  assert.deepEqual(it.said, ['down', 'failed', 'failed']);
});

test('a place that does not take it is tried again within a minute, and told of once', async () => {
  const it = rig(86_400_000);
  await it.after(0);
  it.state.isDown = true;
  it.state.last = checkpoint(5);
  await it.after(86_400_000);
  await it.after(60_000);
  assert.deepEqual(it.said, ['down', 'failed', 'failed']);
  it.state.isDown = false;
  await it.after(59_999);
  assert.deepEqual(it.got, []);
  await it.after(1);
  assert.deepEqual(it.got, [5]);
  assert.equal(it.said.at(-1), 'recovered');
});

test('what is no checkpoint is not copied', async () => {
  const it = rig(1_000);
  it.state.last = 'sallyport/x\n1\n';
  await it.after(1_000);
  assert.deepEqual(it.got, []);
  assert.deepEqual(it.said, []);
});
