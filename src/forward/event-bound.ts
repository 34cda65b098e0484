import type { Exchange, Has } from '../kernel/exchange.ts';
import type { JsonObject } from '../kernel/json.ts';

const PLAIN_BYTES = 1024 * 1024;
/** As an answer in one piece. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Of a token's text, as JSON may have to escape it; with its probability, and that of each other one that stands beside. */
const TOKEN_BYTES = 16;
const PROBABLE_TOKEN_BYTES = 192;

/**
 * Most bytes of one event of a stream, else upstream could fill our memory with one line: 1 MiB, and where events hold
 * the whole response, which is so on Responses alone, what the request can make of it besides: its echo and its output
 * (docs/adr/0013-events-as-large-as-their-request.md).
 *
 * @param sentBytes of the body that upstream got
 */
export function maxEventBytes({ route, request, sentBody }: Asked, sentBytes: number): number {
  if (route.family !== 'responses') return PLAIN_BYTES;
  const tokens = request.output === undefined ? undefined : sentBody[request.output.name];
  const tokenBytes = TOKEN_BYTES + PROBABLE_TOKEN_BYTES * probabilitiesIn(sentBody);
  // Without a length only the context ends the output.
  const outputBytes = typeof tokens === 'number' ? tokens * tokenBytes : MOST_BYTES;
  return Math.min(PLAIN_BYTES + sentBytes + outputBytes, MOST_BYTES);
}

type Asked = Pick<Exchange & Has<'route' | 'request' | 'sentBody'>, 'route' | 'request' | 'sentBody'>;

/** Probabilities that each token comes with: its own, and those of others as the caller's cap lets it ask for. */
function probabilitiesIn({ include, top_logprobs: others }: JsonObject): number {
  if (!Array.isArray(include) || !include.includes('message.output_text.logprobs')) return 0;
  return 1 + (typeof others === 'number' ? others : 0);
}
