import { join } from 'node:path';
import { EMPTY_ENV, python, pythonVersion } from '../install.ts';
import { start } from '../processes.ts';
import { freePort, listening, type Peer } from './peer.ts';

const NAME = 'vllm-router';

/** The router of the vLLM project. */
export const vllmRouter: Peer = {
  name: 'vLLM router',
  about: 'round robin over one worker, no key, log of errors only',
  hasTls: false,
  install: async (installs) => void (await python(installs, NAME, ['vllm-router'])),
  version: (installs) => pythonVersion(installs, NAME, 'vllm-router'),
  async start({ folder, installs, upstreamUrl, core }) {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const words = ['--host', '127.0.0.1', '--port', String(port), '--worker-urls', upstreamUrl];
    words.push('--policy', 'round_robin', '--log-level', 'error', '--prometheus-port', String(metricsPort));
    words.push('--max-concurrent-requests', '100000');
    const started = start(join(installs, NAME, 'bin', 'vllm-router'), words, {
      core,
      logFile: join(folder, 'out.log'),
      env: { ...EMPTY_ENV, HOME: folder, PYTHONUNBUFFERED: '1' },
    });
    await listening(port, started, "vLLM's router");
    return { started, url: `http://127.0.0.1:${port}/v1/chat/completions`, headers: [], caFile: undefined };
  },
};
