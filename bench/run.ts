import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildLoad, startUpstream } from './load.ts';
import { writeCertificate } from './certificate.ts';
import { gatewayOf } from './peers/gateway.ts';
import { MORE_PEERS, PEERS } from './peers/index.ts';
import type { Peer, PeerSetting, RunningPeer } from './peers/peer.ts';
import { BOTH_CORES, killAll, LOAD_CORE, PROXY_CORE, run, stopAll, type Started } from './processes.ts';
import { OPEN_STREAMS, SCENARIOS, type Figures, type Scenario } from './scenarios.ts';
import { comparison, medians } from './table.ts';
import { measureWorkers } from './two-workers.ts';

/**
 * Measures the gateway beside its peers and prints one table.
 *
 * `--all` more peers, `--rounds N`, `--seconds S` of each closed and open load, `--only a,b` scenarios by id,
 * `--peers a,b` by name, `--beside DIR` the gateway of another work tree as one more peer.
 */
const { values: flags } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
    peers: { type: 'string' },
    beside: { type: 'string' },
  },
});
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);
const wanted = flags.only?.split(',');
const named = flags.peers?.split(',');
const isWanted = (id: string) => wanted === undefined || wanted.includes(id);

const out = fileURLToPath(new URL('./out/', import.meta.url));
/** Outside the repository, so that nothing here takes what is installed for sources. */
const installs = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sallyport-bench');
const work = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const why = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

process.on('exit', () => {
  killAll();
  rmSync(work, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

const notes: string[] = [];
const results = new Map<string, Figures[]>();
const peers: Peer[] = [];

try {
  mkdirSync(out, { recursive: true });
  mkdirSync(installs, { recursive: true });
  await buildLoad(installs);
  const versions = await installPeers();
  const upstream = await startUpstream(work);
  const certificate = await writeCertificate(work);
  for (const isTls of [false, true]) {
    const scenarios = SCENARIOS.filter((scenario) => scenario.isTls === isTls && isWanted(scenario.id));
    if (scenarios.length === 0) continue;
    const running = await startPeers(upstream.url, isTls ? certificate : undefined);
    for (const scenario of scenarios) await measureAll(scenario, running, upstream);
    for (const { started } of running.values()) await started.stop();
  }
  const figures = new Map([...results].map(([name, measured]) => [name, medians(measured)]));
  const gatewayPeer = peers.find(({ name }) => name === 'Sallyport');
  const workers =
    gatewayPeer !== undefined && isWanted('workers')
      ? await measureWorkers(gatewayPeer, (count) => twoCores(settingOf(gatewayPeer, upstream.url, undefined, count)), {
          rounds,
          seconds,
        }).catch((error: unknown) => `Two workers: ${why(error)}`)
      : '';
  report(figures, versions, workers);
} finally {
  await stopAll();
}

async function installPeers(): Promise<string[]> {
  const versions: string[] = [];
  const other = flags.beside === undefined ? [] : [await gatewayBeside(resolve(flags.beside))];
  for (const peer of [...PEERS, ...(flags.all ? MORE_PEERS : []), ...other]) {
    if (named !== undefined && !named.includes(peer.name) && !other.includes(peer)) continue;
    try {
      await peer.install(installs);
      versions.push(`${peer.name} ${await peer.version(installs)} (${peer.about})`);
      peers.push(peer);
    } catch (error) {
      notes.push(`${peer.name} could not be installed: ${why(error)}`);
    }
  }
  return versions;
}

async function gatewayBeside(root: string): Promise<Peer> {
  const commit = await run('git', ['-C', root, 'rev-parse', '--short', 'HEAD']);
  return gatewayOf('beside', root, `the gateway at commit ${commit.trim()}`);
}

function settingOf(peer: Peer, upstreamUrl: string, tls: PeerSetting['tls'], workers: number): PeerSetting {
  const folder = mkdtempSync(join(work, `${peer.name.replaceAll(/[^A-Za-z]/g, '')}-`));
  return { folder, installs, upstreamUrl, tls, core: PROXY_CORE, workers };
}

function twoCores(setting: PeerSetting): PeerSetting {
  return { ...setting, core: BOTH_CORES };
}

async function startPeers(upstreamUrl: string, tls: PeerSetting['tls']): Promise<Map<string, RunningPeer>> {
  const running = new Map<string, RunningPeer>();
  for (const peer of peers) {
    if (tls !== undefined && !peer.hasTls) continue;
    try {
      running.set(peer.name, await peer.start(settingOf(peer, upstreamUrl, tls, 1)));
    } catch (error) {
      notes.push(`${peer.name} did not start: ${why(error)}`);
    }
  }
  return running;
}

/** Rounds go over the peers in turn, so that what the machine does meanwhile touches all alike. */
async function measureAll(
  scenario: Scenario,
  running: ReadonlyMap<string, RunningPeer>,
  upstream: { readonly started: Started; readonly url: string },
): Promise<void> {
  const failed = new Set<string>();
  const direct: RunningPeer = {
    started: upstream.started,
    url: `${upstream.url}/v1/chat/completions`,
    headers: [],
    caFile: undefined,
  };
  for (const peer of running.values()) await scenario.warmUp(peer).catch(() => undefined);
  for (let round = 0; round < (scenario.isOnce === true ? 1 : rounds); round++) {
    // What is added is above what the upstream takes without any proxy, in the same round.
    const base = scenario.id === 'added' ? await scenario.measure(direct, seconds) : {};
    for (const [name, peer] of running) {
      if (failed.has(name)) continue;
      try {
        const figures = await scenario.measure(peer, seconds);
        const above = Object.fromEntries(
          Object.entries(figures).map(([figure, value]) => [figure, value - (base[figure] ?? 0)]),
        );
        results.set(name, [...(results.get(name) ?? []), above]);
        say(`${scenario.id} ${round + 1}/${rounds} ${name}: ${shown(above)}`);
      } catch (error) {
        failed.add(name);
        notes.push(`${name}, ${scenario.id}: ${why(error)}`);
        say(`${scenario.id} ${name} failed: ${why(error)}`);
      }
    }
  }
}

function shown(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name}=${value.toFixed(2)}`)
    .join(' ');
}

function report(figures: ReadonlyMap<string, Figures>, versions: readonly string[], workers: string): void {
  const [cpu] = cpus();
  const text = [
    `Measured ${new Date().toISOString().slice(0, 10)} on ${availableParallelism()} cores of ${cpu?.model ?? 'unknown'}, ` +
      `Linux ${process.arch}: each proxy on core ${PROXY_CORE}, generator and upstream on core ${LOAD_CORE}; ` +
      `${rounds} rounds of ${seconds} s, interleaved, medians; CPU of all the proxy's threads and processes by the kernel's account.`,
    '',
    comparison(
      peers.map(({ name }) => name),
      figures,
      'Sallyport',
    ),
    '',
    ...(workers === '' ? [] : [workers, '']),
    ...(OPEN_STREAMS < 10_000
      ? [`Open streams: ${OPEN_STREAMS}, all that this machine's limit of open files allows.`]
      : []),
    ...notes,
    `Versions: ${versions.join('; ')}.`,
    `Command: npm run bench -- ${process.argv.slice(2).join(' ')}`.trimEnd(),
    '',
  ].join('\n');
  process.stdout.write(text);
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
  writeFileSync(join(out, `bench-${stamp}.md`), text);
}
