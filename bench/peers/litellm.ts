import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EMPTY_ENV, python } from '../install.ts';
import { start } from '../processes.ts';
import { freePort, listening, type Peer } from './peer.ts';

const VERSION = '1.102.4';
const NAME = 'litellm';
const KEY = 'sk-bench-key';

/** LiteLLM's proxy with a master key and without a database. */
export const litellm: Peer = {
  name: 'LiteLLM',
  about: 'one worker, master key, no database',
  hasTls: false,
  install: async (installs) => void (await python(installs, NAME, [`litellm[proxy]==${VERSION}`])),
  version: async () => VERSION,
  async start({ folder, installs, upstreamUrl, core }) {
    const port = await freePort();
    const file = join(folder, 'litellm.yaml');
    writeFileSync(
      file,
      `model_list:
  - model_name: tiny
    litellm_params: { model: openai/tiny, api_base: "${upstreamUrl}/v1", api_key: none }
litellm_settings: { telemetry: false }
general_settings: { master_key: ${KEY} }
`,
    );
    const words = ['--config', file, '--host', '127.0.0.1', '--port', String(port), '--num_workers', '1'];
    const started = start(join(installs, NAME, 'bin', 'litellm'), words, {
      core,
      logFile: join(folder, 'out.log'),
      // Prices from the package, not from the network.
      env: { ...EMPTY_ENV, HOME: folder, LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_LOG: 'ERROR' },
    });
    await listening(port, started, 'LiteLLM');
    return {
      started,
      url: `http://127.0.0.1:${port}/v1/chat/completions`,
      headers: [`authorization: Bearer ${KEY}`],
      caFile: undefined,
    };
  },
};
