import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../src/gateway/version.ts';
import { run, start } from '../processes.ts';
import { freePort, listening, type Peer } from './peer.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const command = join(root, 'bin/sallyport.mjs');

/** Sallyport as an operator starts it: sandboxed, key required, all limits on, one log line for each request. */
export const gateway: Peer = {
  name: 'Sallyport',
  about: 'sandboxed, key, limits, field policy, log and metrics on',
  hasTls: true,
  install: async () => undefined,
  version: async () => VERSION,
  async start({ folder, upstreamUrl, tls, core, workers }) {
    const port = await freePort();
    const file = join(folder, 'sallyport.yaml');
    const stateDir = join(folder, 'state');
    writeFileSync(
      file,
      `listen: { host: 127.0.0.1, port: ${port}, tls: { mode: ${tls === undefined ? 'off' : 'self-signed'} } }
admin: { port: ${await freePort()} }
workers: ${workers}
upstreams: [{ name: main, url: "${upstreamUrl}" }]
telemetry: { prometheus: open }
limits:
  default: { requestsPerMinute: 10000000, concurrency: 100000 }
  perIp: { requestsPerMinute: 10000000, connections: none }
`,
    );
    const key = await createKey(file, stateDir);
    const started = start(
      process.execPath,
      [command, 'serve', '--config', file, '--state-dir', stateDir, '--log-format', 'json'],
      { core, logFile: join(folder, 'sallyport.log'), cwd: root },
    );
    await listening(port, started, 'Sallyport');
    return {
      started,
      url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/v1/chat/completions`,
      headers: [`authorization: Bearer ${key}`],
      caFile: tls === undefined ? undefined : join(stateDir, 'ca.pem'),
    };
  },
};

async function createKey(configFile: string, stateDir: string): Promise<string> {
  const words = ['keys', 'create', '--name', 'bench', '--json', '--config', configFile, '--state-dir', stateDir];
  // The command's own output form.
  return (JSON.parse(await run(process.execPath, [command, ...words])) as { key: string }).key;
}
