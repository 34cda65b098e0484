import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { openStateDir } from '../adapters/files/state-dir.ts';
import { openLog } from '../adapters/log/output.ts';
import { startSimulator } from '../adapters/simulator-server/server.ts';
import { loadConfig, renderMistakes } from '../config/load.ts';
import { plainWish } from '../directory/issue.ts';
import { issueKey } from '../gateway/issue-key.ts';
import { startGateway, type Gateway } from '../gateway/gateway.ts';
import { attackTour, codeOf } from './attack-tour.ts';
import { CommandError, type Command, type CommandIo } from './command.ts';
import { parseFlags } from './flags.ts';
import { untilStopped } from './launcher.ts';
import { askPlainly, type PlainAnswer } from './plain-client.ts';
import { stateDirOf } from './places.ts';

const MODEL = 'tiny';

/** Shows the product on a simulator: one refused and one accepted request, and how to go on. */
export const demo: Command = {
  name: 'demo',
  summary: 'a gateway before a simulated vLLM, with one key, to try',
  help: `sallyport demo [--exit] [--attack]

Starts a simulated vLLM and a gateway before it in a temporary state directory, shows one refused and one accepted
request, and stays up until Ctrl-C. With --exit it ends after the tour; the exit code is 0 if all went as it must.
--attack shows side by side what attacks do to the bare simulator and what comes of them at the gateway.

Example: sallyport demo --exit`,
  async run(words, io) {
    const flags = parseFlags(words, { exit: 'flag', attack: 'flag' });
    // Guarded as vLLM guards itself, so that the attacks show what its key is good for.
    const upstreamKey = randomBytes(16).toString('hex');
    const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: [MODEL], apiKey: upstreamKey });
    const stateDir = openStateDir(stateDirOf(flags, io.env));
    const loaded = loadConfig({
      env: {},
      overrides: {
        listen: { host: '127.0.0.1', port: 0 },
        admin: { port: 0 },
        upstreams: [{ name: 'simulator', url: simulator.url, apiKey: upstreamKey }],
      },
    });
    if (!loaded.ok) throw new CommandError(renderMistakes(loaded.mistakes));
    const log = openLog('text', 2);
    const quiet = { ...log, info: () => undefined, raw: () => undefined };
    const gateway = await startGateway({ config: loaded.config, stateDir, log: quiet, logFormat: 'text' });
    const key = (await issueKey(gateway.admin, plainWish('demo'))).value;
    let isAsItMust = await tour(gateway, key, io);
    if (flags.has('attack')) {
      const through = { origin: `https://127.0.0.1:${gateway.port}`, ca: caOf(gateway), key };
      const isStopped = await attackTour(MODEL, { origin: simulator.url, key: upstreamKey }, through, io);
      isAsItMust &&= isStopped;
    }
    if (!flags.has('exit')) {
      const stopped = untilStopped(io.env);
      io.out(howToGoOn(gateway, key));
      await stopped;
    }
    await gateway.stop();
    await simulator.close();
    return isAsItMust ? 0 : 1;
  },
};

const caOf = ({ caFile }: Gateway): string => readFileSync(caFile ?? '', 'utf8');

/** One request without a key, one with. */
async function tour(gateway: Gateway, key: string, io: CommandIo): Promise<boolean> {
  const ca = caOf(gateway);
  io.out(`gateway   ${gateway.publicUrl}  (before a simulated vLLM)\n\n`);
  const refused = await chat(gateway.port, ca, undefined);
  const code = codeOf(refused.text);
  io.out(`refused ${refused.status} ${code}   POST /v1/chat/completions without a key\n`);
  const accepted = await chat(gateway.port, ca, key);
  const words = [...accepted.text.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1]).join('');
  io.out(
    `accepted ${accepted.status}   the same with a key, streamed in ${accepted.text.split('\n\n').length - 1} events: ${words.slice(0, 60)}\n`,
  );
  const isRefused = refused.status === 401 && code === 'missing_credential';
  return isRefused && accepted.status === 200 && accepted.text.endsWith('data: [DONE]\n\n') && words !== '';
}

function chat(port: number, ca: string, key: string | undefined): Promise<PlainAnswer> {
  return askPlainly({
    origin: `https://127.0.0.1:${port}`,
    ca,
    method: 'POST',
    path: '/v1/chat/completions',
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    body: { model: MODEL, stream: true, messages: [{ role: 'user', content: 'Hello' }] },
  });
}

function howToGoOn(gateway: Gateway, key: string): string {
  const url = gateway.publicUrl;
  return `
Go on yourself (the key is shown once):

  export SALLYPORT_API_KEY=${key}
  curl --cacert ${gateway.caFile ?? ''} ${url}/v1/chat/completions \\
    -H "Authorization: Bearer $SALLYPORT_API_KEY" -H 'Content-Type: application/json' \\
    -d '{"model":"${MODEL}","stream":true,"messages":[{"role":"user","content":"Hello"}]}'

  # Python: SSL_CERT_FILE=${gateway.caFile ?? ''}
  from openai import OpenAI
  client = OpenAI(base_url="${url}/v1", api_key=os.environ["SALLYPORT_API_KEY"])

Ctrl-C ends it.
`;
}
