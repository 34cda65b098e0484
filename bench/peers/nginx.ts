import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { debian } from '../install.ts';
import { start } from '../processes.ts';
import { freePort, listening, type Peer } from './peer.ts';

/** nginx as a plain reverse proxy with kept connections: what the others are compared with. */
export const nginx: Peer = {
  name: 'nginx',
  about: 'proxy_pass with kept connections, no key, no log',
  hasTls: true,
  install: () => debian('nginx', 'nginx-light'),
  version: async () => /nginx\/(\S+)/.exec(spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr)?.[1] ?? '?',
  async start({ folder, upstreamUrl, tls, core, workers }) {
    const port = await freePort();
    const file = join(folder, 'nginx.conf');
    writeFileSync(
      file,
      `worker_processes ${workers}; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 40000; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; proxy_read_timeout 600s;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  client_body_buffer_size 64k;
  upstream model { server ${new URL(upstreamUrl).host}; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port}${tls === undefined ? '' : ' ssl'} backlog=1024${workers > 1 ? ' reuseport' : ''};
    ${tls === undefined ? '' : `ssl_certificate ${tls.certFile}; ssl_certificate_key ${tls.keyFile}; ssl_protocols TLSv1.3;`}
    location / { proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
    );
    const started = start('nginx', ['-c', file, '-e', join(folder, 'error.log')], {
      core,
      logFile: join(folder, 'out.log'),
    });
    await listening(port, started, 'nginx');
    const scheme = tls === undefined ? 'http' : 'https';
    return { started, url: `${scheme}://127.0.0.1:${port}/v1/chat/completions`, headers: [], caFile: tls?.caFile };
  },
};
