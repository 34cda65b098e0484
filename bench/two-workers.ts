import { load } from './load.ts';
import type { Peer, PeerSetting, RunningPeer } from './peers/peer.ts';
import { cpuUs } from './processes.ts';
import { warm } from './scenarios.ts';
import { connectionsByLoop } from './spread.ts';
import { median } from './table.ts';

const CONNECTIONS = 64;
const FEWEST = 18;
const MOST_TIMES = 1.1;
const BODY = {
  model: 'tiny',
  messages: [{ role: 'user', content: 'Hello there, how are you today?' }],
  max_tokens: 64,
};

/** What a second worker costs: CPU per request beside one worker, and how connections spread over the two. */
export async function measureWorkers(
  peer: Peer,
  settingOf: (workers: number) => PeerSetting,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<string> {
  const one = await peer.start(settingOf(1));
  const two = await peer.start(settingOf(2));
  const run = (running: RunningPeer, time: number) =>
    load('closed', running, BODY, { connections: CONNECTIONS, seconds: time });
  // Each worker compiles for itself.
  await warm((time) => run(one, time));
  await warm((time) => run(two, time), 50_000);
  const times: [number[], number[]] = [[], []];
  const spreads: number[][] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [i, running] of [one, two].entries()) {
      const before = cpuUs(running.started.pid);
      const answered = run(running, seconds);
      if (running === two) {
        await new Promise((resolve) => setTimeout(resolve, (seconds * 1000) / 2));
        spreads.push(connectionsByLoop(two.started.pid, Number(new URL(two.url).port)));
      }
      const { count } = await answered;
      times[i]?.push((cpuUs(running.started.pid) - before) / count);
    }
  }
  for (const running of [one, two]) await running.started.stop();
  const ratio = median(times[1]) / median(times[0]);
  const fewest = Math.min(...spreads.map((spread) => Math.min(...spread)));
  const isSpread = spreads.every((spread) => spread.length === 2) && fewest >= FEWEST;
  return (
    `Two workers: ${median(times[1]).toFixed(0)} µs per request, ${ratio.toFixed(2)}x one worker ` +
    `(≤ ${MOST_TIMES}x: ${said(ratio <= MOST_TIMES)}); ${CONNECTIONS} connections spread ` +
    `${spreads.map((spread) => spread.join('/')).join(', ')} (≥ ${FEWEST} each: ${said(isSpread)}).`
  );
}

const said = (isKept: boolean): string => (isKept ? 'kept' : 'MISSED');
