/**
 * What the records cost a request: the gateway with audit log, anomaly detection, traces and alerts beside the same one
 * with all of it off, one worker each, in turns. CPU is that of the whole process, all threads.
 *
 *     node bin/node26.mjs bench/records.ts [--rounds 5] [--seconds 10] [--rate 500] [--cores 0]
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildLoad, load, startUpstream } from './load.ts';
import { gatewayOf } from './peers/gateway.ts';
import type { RunningPeer } from './peers/peer.ts';
import { cpuUs, killAll, PROXY_CORE } from './processes.ts';
import { warm } from './scenarios.ts';
import { markdown, median } from './table.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
    rate: { type: 'string', default: '500' },
    /** As `taskset` takes them. */
    cores: { type: 'string', default: PROXY_CORE },
  },
});
const [rounds, seconds, rate] = [Number(values.rounds), Number(values.seconds), Number(values.rate)];
const BODY = {
  model: 'tiny',
  messages: [{ role: 'user', content: 'Hello there, how are you today? Tell me a story about the sea.' }],
  max_tokens: 64,
};

/** Takes whatever is sent to it: a collector, and somebody who is alerted. */
const sink = createServer((request, response) => {
  request.resume();
  request.on('end', () => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
});
await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
const sinkUrl = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;

const OFF = 'auditLog: { enabled: false }\nanomaly: { mode: off }\n';
const ON = `alerts: { channels: [{ name: ops, type: slack, webhookUrl: "${sinkUrl}" }] }\n`;
const TRACES = `otlp: { endpoint: "${sinkUrl}", sampling: { ratio: 1 } }`;

process.on('exit', killAll);
const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-records-'));
const root = fileURLToPath(new URL('../', import.meta.url));
await buildLoad(join(root, 'bench/out/installs'));
const upstream = await startUpstream(folder);

function startWith(name: string, more: string, telemetry: string): Promise<RunningPeer> {
  const own = join(folder, name);
  mkdirSync(own);
  return gatewayOf(name, root, '', { more, telemetry }).start({
    ...{ folder: own, installs: folder, upstreamUrl: upstream.url, tls: undefined },
    ...{ core: values.cores, workers: 1 },
  });
}

const peers = { off: await startWith('off', OFF, ''), on: await startWith('on', ON, TRACES) };
for (const peer of Object.values(peers)) {
  await warm((time) => load('closed', peer, BODY, { connections: 32, seconds: time }));
}
const seen = {
  off: { us: [] as number[], p50: [] as number[], p99: [] as number[] },
  on: { us: [] as number[], p50: [] as number[], p99: [] as number[] },
};
for (let round = 0; round < rounds; round++) {
  for (const which of ['off', 'on'] as const) {
    const before = cpuUs(peers[which].started.pid);
    const { count, errors, p50Ms, p99Ms } = await load('open', peers[which], BODY, { rate, seconds });
    if (errors > 0) throw new Error(`${errors} errors`);
    seen[which].us.push((cpuUs(peers[which].started.pid) - before) / count);
    seen[which].p50.push(p50Ms);
    seen[which].p99.push(p99Ms);
  }
}
for (const peer of Object.values(peers)) await peer.started.stop();
await upstream.started.stop();
sink.close();
rmSync(folder, { recursive: true, force: true });
const row = (title: string, figure: 'us' | 'p50' | 'p99', digits: number): string[] => {
  const [off, on] = [median(seen.off[figure]), median(seen.on[figure])];
  return [title, off.toFixed(digits), on.toFixed(digits), (on - off).toFixed(digits)];
};
process.stdout.write(
  `${markdown(
    [`${rate} requests/s, ${rounds} rounds of ${seconds} s`, 'off', 'all on', 'difference'],
    [
      row('CPU of all threads, µs a request', 'us', 0),
      row('latency p50, ms', 'p50', 3),
      row('latency p99, ms', 'p99', 3),
    ],
  )}\n`,
);
