import { load } from './load.ts';
import type { Peer, PeerSetting, RunningPeer } from './peers/peer.ts';
import { cpuUs } from './processes.ts';
import { median } from './table.ts';

const CONNECTIONS = 64;
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
  const run = (running: RunningPeer) => load('closed', running, BODY, { connections: CONNECTIONS, seconds });
  for (const running of [one, two]) await run(running);
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const [i, running] of [one, two].entries()) {
      const before = cpuUs(running.started.pid);
      const { count } = await run(running);
      times[i]?.push((cpuUs(running.started.pid) - before) / count);
    }
  }
  for (const running of [one, two]) await running.started.stop();
  const [alone, both] = [median(times[0]), median(times[1])];
  const ratio = both / alone;
  return `Two workers: ${both.toFixed(0)} µs per request, ${ratio.toFixed(2)}x one worker (≤ 1.1x: ${ratio <= 1.1 ? 'kept' : 'MISSED'}).`;
}
