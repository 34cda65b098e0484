import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { createEngine } from '../../simulator/engine.ts';
import type { EngineLoad } from '../../simulator/metadata.ts';
import type { SimulatorOptions } from '../../simulator/options.ts';
import type { AnswerPlan } from '../../simulator/plan.ts';
import { createPrefixCache } from '../../simulator/prefix-cache.ts';
import { promptOf } from '../../simulator/prompt-of.ts';

/** Computes answers in turn and in time, as an engine with so many sequences does. */
export interface Compute {
  /** Sends an answer once it is computed: `answer` gets what to send. Whoever goes away before costs nothing more. */
  run(res: ServerResponse, body: Buffer, plan: AnswerPlan, answer: (plan: AnswerPlan) => void): void;
  load(): EngineLoad;
}

/** Blocks of sixteen tokens that the prefix cache holds: enough for a hundred prompts of 4,096. */
const BLOCKS = 25_600;

/** @param maxNumSeqs most that are computed at once */
export function createCompute(maxNumSeqs: number, options: SimulatorOptions, clock: Clock): Compute {
  const engine = createEngine(maxNumSeqs);
  const cache = createPrefixCache(BLOCKS);

  /** Milliseconds until the first byte: a stream's after the prompt, a whole answer's after its last token. */
  function firstByteMs(body: Buffer, plan: AnswerPlan): number {
    const prompt = promptOf(body);
    const fresh = prompt === undefined ? 0 : prompt.tokens.length - cache.use(prompt.tokens, prompt.salt);
    const wholeMs = Buffer.isBuffer(plan.body) ? options.answerTokens * options.chunkIntervalMs : 0;
    return options.prefillMs + fresh * options.prefillMsPerToken + wholeMs;
  }

  return {
    run(res, body, plan, answer) {
      let timer: Timer | undefined;
      const end = engine.enter({
        start() {
          timer = clock.after(firstByteMs(body, plan), () => answer(endingWith(plan, end)));
        },
      });
      res.on('close', () => {
        timer?.cancel();
        end();
      });
    },
    load: () => ({ running: engine.running(), waiting: engine.waiting(), peak: engine.peak(), ...cache.counts() }),
  };
}

/** The plan, which ends its job before its last byte is sent: who has read it all finds room. */
function endingWith(plan: AnswerPlan, end: () => void): AnswerPlan {
  const { body } = plan;
  if (!Buffer.isBuffer(body)) return { ...plan, body: eventsThenEnd(body, end) };
  end();
  return plan;
}

function* eventsThenEnd(events: Iterable<string>, end: () => void): Generator<string> {
  let held: string | undefined;
  for (const event of events) {
    if (held !== undefined) yield held;
    held = event;
  }
  end();
  if (held !== undefined) yield held;
}
