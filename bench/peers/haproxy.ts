import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { debian } from '../install.ts';
import { OPEN_FILES, start } from '../processes.ts';
import { freePort, listening, type Peer } from './peer.ts';

/** HAProxy as a plain reverse proxy. */
export const haproxy: Peer = {
  name: 'HAProxy',
  about: 'http-reuse always, no key, no log',
  hasTls: true,
  install: () => debian('haproxy', 'haproxy'),
  version: async () => /version (\S+)/.exec(spawnSync('haproxy', ['-v'], { encoding: 'utf8' }).stdout)?.[1] ?? '?',
  async start({ folder, upstreamUrl, tls, core, workers }) {
    const port = await freePort();
    const file = join(folder, 'haproxy.cfg');
    const pem = join(folder, 'server.pem');
    if (tls !== undefined) {
      writeFileSync(pem, readFileSync(tls.certFile, 'utf8') + readFileSync(tls.keyFile, 'utf8'), { mode: 0o600 });
    }
    const maxConnections = Math.floor(OPEN_FILES / 2) - 50;
    writeFileSync(
      file,
      `global
  nbthread ${workers}
  maxconn ${maxConnections}
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  option http-keep-alive
  http-reuse always
frontend in
  bind 127.0.0.1:${port} backlog 1024${tls === undefined ? '' : ` ssl crt ${pem} ssl-min-ver TLSv1.3`}
  default_backend model
backend model
  server one ${new URL(upstreamUrl).host} maxconn ${maxConnections}
`,
    );
    const started = start('haproxy', ['-db', '-f', file], { core, logFile: join(folder, 'out.log') });
    await listening(port, started, 'HAProxy');
    const scheme = tls === undefined ? 'http' : 'https';
    return { started, url: `${scheme}://127.0.0.1:${port}/v1/chat/completions`, headers: [], caFile: tls?.caFile };
  },
};
