import { startSimulator } from '../adapters/simulator-server/server.ts';
import { CommandError, type Command } from './command.ts';
import { parseFlags } from './flags.ts';
import { untilStopped } from './launcher.ts';
import { hostAndPort } from './serve-flags.ts';
import { countOf, json, listOf } from './text.ts';

/** A vLLM that answers without a GPU. */
export const simulate: Command = {
  name: 'simulate',
  summary: 'a vLLM that answers without a GPU, to try and test with',
  help: `sallyport simulate [--listen HOST:PORT] [--model NAME…] [--chunk-interval-ms N] [--answer-tokens N]
                   [--max-num-seqs N] [--prefill-ms N] [--json]

Answers vLLM's routes as recorded from a real one and streams made-up words. GET /_simulator/requests tells what it
received. With --max-num-seqs it computes so many requests at once and lets the others wait in order, as an engine does;
--prefill-ms is then the time to the first token. It listens on 127.0.0.1:8000 unless told otherwise; port 0 picks a free one.

Example: sallyport simulate --listen 127.0.0.1:8000 --model tiny`,
  async run(words, io) {
    const flags = parseFlags(words, {
      listen: 'text',
      model: 'list',
      'chunk-interval-ms': 'text',
      'answer-tokens': 'text',
      'max-num-seqs': 'text',
      'prefill-ms': 'text',
    });
    const { host, port } = hostAndPort('--listen', flags.text('listen') ?? '127.0.0.1:8000');
    // `--model A B`: the words that follow are models, too.
    const models = [...(listOf(flags, 'model') ?? ['tiny']), ...flags.words];
    const chunkIntervalMs = countOf(flags, 'chunk-interval-ms', 0, 60_000);
    const answerTokens = countOf(flags, 'answer-tokens', 1, 100_000);
    const maxNumSeqs = countOf(flags, 'max-num-seqs', 1, 100_000);
    const prefillMs = countOf(flags, 'prefill-ms', 0, 60_000);
    const simulator = await startSimulator({
      host,
      port,
      models,
      ...(chunkIntervalMs === undefined ? {} : { chunkIntervalMs }),
      ...(answerTokens === undefined ? {} : { answerTokens }),
      ...(prefillMs === undefined ? {} : { prefillMs }),
      maxNumSeqs,
    }).catch((error: unknown) => {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      throw new CommandError(`${host}:${port} cannot be listened on (${code}): give another --listen HOST:PORT`);
    });
    const { url } = simulator;
    // Before anything is said: whoever reads it may send a signal at once.
    const stopped = untilStopped(io.env);
    if (flags.has('json')) io.out(json({ url, port: simulator.port, models }));
    else io.out(`simulated vLLM at ${url}, models: ${models.join(', ')}\nCtrl-C ends it.\n`);
    await stopped;
    await simulator.close();
    return 0;
  },
};
