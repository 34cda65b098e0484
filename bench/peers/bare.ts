import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from '../processes.ts';
import { freePort, listening, type Peer } from './peer.ts';

const KEY = 'bench-key';

/** The bare Node.js proxy. */
export const bare: Peer = {
  name: 'bare Node',
  about: 'node:http and undici, one key, one counter, bytes passed on unread',
  hasTls: true,
  install: async () => undefined,
  version: async () => process.versions.node,
  async start({ folder, upstreamUrl, tls, core }) {
    const port = await freePort();
    const script = fileURLToPath(new URL('./bare-node.ts', import.meta.url));
    const certificate = tls === undefined ? [] : [tls.certFile, tls.keyFile];
    const started = start(process.execPath, [script, String(port), upstreamUrl, KEY, ...certificate], {
      core,
      logFile: join(folder, 'out.log'),
    });
    await listening(port, started, 'the bare proxy');
    return {
      started,
      url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/v1/chat/completions`,
      headers: [`authorization: Bearer ${KEY}`],
      caFile: tls?.caFile,
    };
  },
};
