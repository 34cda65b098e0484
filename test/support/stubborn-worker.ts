import { parentPort, workerData } from 'node:worker_threads';

/**
 * A worker that can be told to misbehave by what it is started with: `logFormat` carries the order of the test.
 * It beats, confirms and answers like the real one, unless it is `mute` (confirms nothing) or `stuck` (stops its loop
 * at the first change).
 */
const { row, memory, seq, logFormat } = workerData as {
  row: number;
  seq: number;
  logFormat: string;
  memory: { heartbeats: SharedArrayBuffer };
};
const beats = new Int32Array(memory.heartbeats);
const beat = (): number => Atomics.store(beats, row, Math.floor(process.uptime() * 1000));
setInterval(beat, 10);
beat();
parentPort?.on('message', (message: { kind: string; seq: number }) => {
  if (message.kind === 'drain') parentPort?.postMessage({ kind: 'drained' });
  if (message.kind !== 'delta') return;
  // Only the first generation misbehaves: the one that replaces it starts with the change and a later number.
  if (seq === 0 && logFormat === 'mute') return;
  if (seq === 0 && logFormat === 'stuck') for (;;);
  if (seq === 0 && logFormat === 'dies') process.exit(1);
  parentPort?.postMessage({ kind: 'confirmed', seq: message.seq });
});
parentPort?.postMessage({ kind: 'ready' });
