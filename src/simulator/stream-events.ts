import type { Generation, GenerationFields } from './generation.ts';
import { dataEvent, DONE_EVENT } from './plan.ts';
import { continuousUsage, finalUsage, fingerprint } from './usage.ts';
import { answerWords } from './words.ts';

/** What the two generating routes do differently in a stream. */
export interface EventShapes {
  /** What begins every event: id, object, created, model. */
  readonly base: object;
  readonly version: string;
  /** Prompts of the request; each has `generation.n` choices. */
  readonly prompts: readonly string[];
  readonly promptTokens: number;
  /** The choice of the first event of each choice, or undefined where there is no such event. */
  readonly opening: ((index: number) => object) | undefined;
  /** What the opening events have after their choices. */
  readonly openingTail: object;
  /** The choice of an event that brings text; with a finish reason it is the choice's last one. */
  readonly choice: (index: number, text: string, finishReason: string | null) => object;
}

/** The events of a stream, choices taking turns, made one by one so that an aborted stream costs nothing more. */
export function* streamEvents(
  fields: Pick<GenerationFields, 'includeUsage' | 'continuousUsage'>,
  generation: Generation,
  shapes: EventShapes,
): Generator<string> {
  const { base, prompts, promptTokens, version } = shapes;
  const { n, tokens, finishReason } = generation;
  const choices = prompts.flatMap((prompt) => Array.from({ length: n }, (__, i) => answerWords(prompt, tokens, i)));
  const system_fingerprint = fingerprint(version);
  let made = 0;
  const usage = (): object => (fields.continuousUsage ? { usage: continuousUsage(promptTokens, made) } : {});

  for (let index = 0; shapes.opening !== undefined && index < choices.length; index++) {
    yield dataEvent({ ...base, choices: [shapes.opening(index)], ...usage(), ...shapes.openingTail });
  }
  for (let token = 1; token <= tokens; token++) {
    for (const [index, words] of choices.entries()) {
      made++;
      const isLast = token === tokens;
      const choice = shapes.choice(index, words.next().value ?? '', isLast ? finishReason : null);
      const tail = isLast && !fields.includeUsage ? { system_fingerprint } : {};
      yield dataEvent({ ...base, choices: [choice], ...usage(), ...tail });
    }
  }
  if (fields.includeUsage) {
    yield dataEvent({ ...base, choices: [], usage: finalUsage(promptTokens, made), system_fingerprint });
  }
  yield DONE_EVENT;
}
