import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, start } from '../processes.ts';
import { freePort, listening, type Peer, type PeerSetting, type RunningPeer } from './peer.ts';

/** Sallyport as an operator starts it: sandboxed, key required, all limits on, one log line for each request. */
export const gateway = gatewayOf(
  'Sallyport',
  fileURLToPath(new URL('../../', import.meta.url)),
  'sandboxed, key, limits, field policy, log and metrics on',
);

/** What the configuration has beside what every bench has. */
export interface ExtraConfig {
  /** Whole options, each line with its newline. */
  readonly more: string;
  /** Members of `telemetry`. */
  readonly telemetry: string;
}

/** The gateway of a work tree with its modules installed: another commit, to see what the difference costs. */
export function gatewayOf(
  name: string,
  root: string,
  about: string,
  extra: ExtraConfig = { more: '', telemetry: '' },
): Peer {
  const command = join(root, 'bin/sallyport.mjs');
  return {
    name,
    about,
    hasTls: true,
    install: async () => undefined,
    version: () => run(process.execPath, [command, '--version']).then((text) => text.trim()),
    start: (setting) => startGateway(name, root, command, setting, extra),
  };
}

async function startGateway(
  name: string,
  root: string,
  command: string,
  { folder, upstreamUrl, tls, core, workers }: PeerSetting,
  { more, telemetry }: ExtraConfig,
): Promise<RunningPeer> {
  const port = await freePort();
  const file = join(folder, 'sallyport.yaml');
  const stateDir = join(folder, 'state');
  writeFileSync(
    file,
    `listen: { host: 127.0.0.1, port: ${port}, tls: { mode: ${tls === undefined ? 'off' : 'self-signed'} } }
admin: { port: ${await freePort()} }
workers: ${workers}
upstreams: [{ name: main, url: "${upstreamUrl}" }]
telemetry: { prometheus: open${telemetry === '' ? '' : `, ${telemetry}`} }
${more}limits:
  default: { requestsPerMinute: 10000000, concurrency: 100000 }
  perIp: { requestsPerMinute: 10000000, connections: none }
`,
  );
  const files = ['--config', file, '--state-dir', stateDir];
  // The command's own output form.
  const { key } = JSON.parse(
    await run(process.execPath, [command, 'keys', 'create', '--name', 'bench', '--json', ...files]),
  ) as { key: string };
  const started = start(process.execPath, [command, 'serve', ...files, '--log-format', 'json'], {
    core,
    logFile: join(folder, 'sallyport.log'),
    cwd: root,
  });
  await listening(port, started, name);
  return {
    started,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/v1/chat/completions`,
    headers: [`authorization: Bearer ${key}`],
    caFile: tls === undefined ? undefined : join(stateDir, 'ca.pem'),
  };
}
