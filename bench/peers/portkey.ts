import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EMPTY_ENV } from '../install.ts';
import { run, start } from '../processes.ts';
import { freePort, listening, type Peer } from './peer.ts';

const VERSION = '1.15.2';
const script = (installs: string) => join(installs, 'portkey/node_modules/@portkey-ai/gateway/build/start-server.js');

/** Portkey's gateway. */
export const portkey: Peer = {
  name: 'Portkey',
  about: 'provider openai with its host set, key passed on',
  hasTls: false,
  async install(installs) {
    if (existsSync(script(installs))) return;
    const folder = join(installs, 'portkey');
    mkdirSync(folder, { recursive: true });
    // With a later @hono/node-server this version answers streams with 500.
    const manifest = {
      private: true,
      dependencies: { '@portkey-ai/gateway': VERSION },
      overrides: { '@hono/node-server': '1.13.8' },
    };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    const words = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', words, { env: { ...EMPTY_ENV, HOME: folder } });
  },
  version: async () => VERSION,
  async start({ folder, installs, upstreamUrl, core }) {
    const port = await freePort();
    const started = start(process.execPath, [script(installs), `--port=${port}`, '--headless'], {
      core,
      logFile: join(folder, 'out.log'),
      // Else it refuses to ask a host on this machine.
      env: { ...EMPTY_ENV, HOME: folder, NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
    });
    await listening(port, started, 'Portkey');
    return {
      started,
      url: `http://127.0.0.1:${port}/v1/chat/completions`,
      headers: [
        'authorization: Bearer bench-key',
        'x-portkey-provider: openai',
        `x-portkey-custom-host: ${upstreamUrl}/v1`,
      ],
      caFile: undefined,
    };
  },
};
