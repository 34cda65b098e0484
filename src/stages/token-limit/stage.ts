import type { Clock } from '../../kernel/clock.ts';
import type {
  Exchange,
  Has,
  InferenceRequest,
  LimitStanding,
  Slots,
  Spent,
  TokenLimits,
} from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import { createBudgetWarnings, type BudgetWarning } from '../../limits/budget-warnings.ts';
import type { Ask, Counters, Refused, Soon } from '../../limits/counters.ts';
import { leastTokens, type Estimate, type Estimator } from '../../limits/estimator.ts';
import type { UsageBook } from '../../limits/ledger.ts';
import type { Limit } from '../../limits/limit.ts';
import type { Counted, LimitPlan } from '../../limits/plan.ts';
import { priceOf, type Prices } from '../../limits/prices.ts';
import { isCounted, promptSizeOf, writesTokens, type PromptSize } from '../../vllm/fields/prompt-size.ts';
import { actualTokens } from './actual.ts';
import { isHopeless } from './hopeless.ts';
import { createMeterOf } from './metering.ts';
import { createNoteUsage } from './note-usage.ts';
import { createProgress } from './progress.ts';
import { classOf, nextAfterMs, refusal, tooLarge } from './refusal.ts';
import { leastLength, lengthWithin, tokensOf, unitsOf, unitsSoFar, type Bid } from './reservation.ts';

/** Options of the stage, already read from the configuration. */
export interface TokenLimitOptions {
  readonly prices: Prices;
  /** Whether a length that does not fit into a whole limit is lowered, or refused. */
  readonly overCap: 'lower' | 'deny';
  /** Most tokens of an answer whose body has no length. */
  readonly maxOutputTokens: number | 'none';
}

/** Has upstream count a prompt. */
type CountPrompt = (x: Asked) => Promise<number | undefined>;

/** What the stage works with. */
export interface TokenLimitDeps {
  readonly plan: LimitPlan;
  readonly counters: Counters;
  readonly estimator: Estimator;
  /** Takes what was used, for people. */
  readonly usage: Pick<UsageBook, 'add'>;
  /** Told of each budget that has come to four fifths. */
  readonly onBudget: (warning: BudgetWarning) => void;
  readonly clock: Clock;
  /** Has upstream count a prompt; undefined where it cannot say. Left out: prompts are estimated. */
  readonly countPrompt?: CountPrompt | undefined;
}

type Needs = 'peer' | 'principal' | 'route' | 'request' | 'model' | 'usage' | 'requestLimits';
/** An exchange that asks for tokens. */
export type Asked = Exchange & Has<Needs>;
type Here = Asked & Slots<'tokenLimits'>;

/** vLLM's own length of a text completion that names none. */
const COMPLETION_TOKENS = 16;
/** Speech has three or four tokens a second, and the most compressed recordings some 3 KB. */
const BYTES_A_SPOKEN_TOKEN = 800;
const LEAST_TRANSCRIPT_TOKENS = 16;
/** Of an answer whose length nothing bounds. */
const UNBOUNDED_TOKENS = 65_536;
/** Shorter answers tell nothing of the speed of a model. */
const TELLING_TOKENS = 16;
/** Limits whose room is too small are found one by one. */
const MAX_TRIES = 8;

/**
 * Sets tokens and money aside before anything is sent, meters the answer while it runs and ends it where a limit ends, and
 * settles with what upstream counted. Denies with 429 `token_limited`, `budget_exhausted`, and with `rate_limited` and
 * `concurrency_limited` what is counted by model or route.
 */
export function createTokenLimit(options: TokenLimitOptions, deps: TokenLimitDeps): Stage<Needs, 'tokenLimits'> {
  const { plan, counters, clock, estimator } = deps;
  const meterOf = createMeterOf(counters, clock);
  const progress = createProgress(counters, clock);
  const note = createNoteUsage(deps.usage, clock);
  const warnings = createBudgetWarnings(deps.onBudget, deps);

  function bidOf(x: Asked, size: PromptSize, input: number): Bid {
    const { body, output } = x.request;
    const n = typeof body['n'] === 'number' ? body['n'] : 1;
    const bestOf = typeof body['best_of'] === 'number' ? body['best_of'] : 1;
    const choices = writesTokens(x.route.family) ? Math.max(n, bestOf) * size.prompts : 0;
    const named = output === undefined ? undefined : body[output.name];
    const each = typeof named === 'number' ? named : unnamedLength(x, options.maxOutputTokens);
    const least = Math.min(input, leastTokens(size));
    return { input, least, choices, each, price: priceOf(options.prices, x.model) };
  }

  function limitsOf(x: Asked): readonly Counted[] {
    const asking = { principal: x.principal, network: x.peer.network, model: x.model, route: classOf(x.route.scope) };
    const all = plan.late(asking);
    return all.every(({ limit }) => concerns(limit, x)) ? all : all.filter(({ limit }) => concerns(limit, x));
  }

  /** What upstream counts, or the estimate where it cannot say, or need not be asked. */
  async function countedOr(x: Asked, count: CountPrompt, size: PromptSize, estimate: number): Promise<number> {
    if (await isHopeless(limitsOf(x), bidOf(x, size, estimate), size, deps)) return estimate;
    return (await count(x)) ?? estimate;
  }

  function reserve(x: Here, size: PromptSize, known: Estimate, input: number): Soon<Denial | undefined> {
    const limits = limitsOf(x);
    const bid = bidOf(x, size, input);
    const fitted = fitWhole(x, limits, bid, options.overCap);
    return 'code' in fitted ? fitted : attempt(x, { limits, size, known, wanted: bid }, fitted, MAX_TRIES);
  }

  function attempt(x: Here, wish: Wish, bid: Bid, tries: number): Soon<Denial | undefined> {
    const [asked, asks, amounts]: [Counted[], Ask[], Counted[]] = [[], [], []];
    const tokens = tokensOf(bid);
    const nowMs = clock.monotonicMs();
    for (const one of wish.limits) {
      const units = unitsOf(one.limit, tokens, bid.price);
      if (!isHeld(one.limit) && units <= 0) continue;
      asked.push(one);
      const ask = plan.ask(one, Math.min(units, one.limit.max), nowMs);
      asks.push(ask);
      if (ask.kind === 'amount') amounts.push(one);
    }
    const result = counters.spend(asks, nowMs);
    const judge = (spent: Spent | Refused) => {
      if (spent.kind === 'spent') {
        warnings.look(x.principal, asked, spent.standings);
        const standings = spent.standings.filter((_, i) => asks[i]?.kind === 'amount');
        x.tokenLimits = new Held(spent, { bid, amounts, standings }, wish, x.request);
        if (amounts.some(isRequests)) counters.progress(spent, amounts.map(oneRequest), nowMs);
        return undefined;
      }
      const full = asked[asks.indexOf(spent.ask)];
      const limit = full?.limit;
      if (full !== undefined) warnings.look(x.principal, [full], [spent.standing]);
      const left = spent.standing.remaining;
      const shorter = limit === undefined || tries === 0 ? undefined : shorterFor(x, limit, left, bid);
      if (shorter !== undefined) return attempt(x, wish, shorter, tries - 1);
      // This request has used up one of what is asked first: when the next one is let in there counts as well.
      return refusal({ ...spent, retryAfterMs: Math.max(spent.retryAfterMs, nextAfterMs(x.requestLimits)) }, limit);
    };
    return result instanceof Promise ? result.then(judge) : judge(result);
  }

  return {
    name: 'token-limit',
    adds: ['tokenLimits'],
    decide(x) {
      if (x.isDryRun) {
        x.tokenLimits = { spent: { kind: 'spent', standings: [], holds: [] }, outputTokens: undefined };
        return undefined;
      }
      const size = promptSizeOf(x.route.family, x.request.body);
      const known = estimator.of(x.principal.tenant, x.route.family, x.model);
      const estimate = known.prompt(size) + earlierTokens(x);
      if (deps.countPrompt === undefined) return reserve(x, size, known, estimate);
      return countedOr(x, deps.countPrompt, size, estimate).then((input) => reserve(x, size, known, input));
    },
    inspect(x) {
      const kept = x.tokenLimits;
      if (!(kept instanceof Held) || kept.limits.length === 0) return undefined;
      if (x.request.isStream) progress.begin(x.tokenLimits.spent, () => unitsSoFar(x.usage, kept.bid, kept.limits));
      return meterOf(x, kept.bid, kept.limits);
    },
    settle(x, outcome) {
      const kept = x.tokenLimits;
      if (!(kept instanceof Held)) return;
      const silentMs = progress.end(x.tokenLimits.spent);
      const tokens = actualTokens(x.usage, kept, outcome, silentMs, (ms) => kept.known.writtenIn(ms));
      const actuals = kept.limits.map((limit) => unitsOf(limit, tokens, kept.bid.price));
      counters.settle(x.tokenLimits.spent, actuals, clock.monotonicMs());
      const isWithin = actuals.every((units, i) => units <= (kept.set[i] ?? 0));
      warnings.used(x.principal, kept.amounts, actuals, isWithin ? kept.standings : undefined);
      if (outcome.mayHaveWorked === true) note(x.principal, x.model, tokens, kept.bid.price);
      if (outcome.kind === 'answer') learn(x, kept, outcome.workedMs ?? outcome.durationMs);
    },
  };

  function learn(x: Asked, { size, bid, known }: Held, durationMs: number): void {
    const { promptTokens, completionTokens } = x.usage;
    // What comes before in a conversation that upstream holds is in no body.
    if (promptTokens === undefined || x.request.held !== undefined) return;
    // Of several answers at once nothing is learnt about the speed of one.
    if (size.prompts === 1) known.learn(size, promptTokens);
    // Nor of a short one, whose time is that of its prompt: many of them would make hanging up cheap.
    if (bid.choices === 1 && (completionTokens ?? 0) >= TELLING_TOKENS)
      known.learnSpeed(completionTokens ?? 0, durationMs);
  }
}

/** What a request asks for. */
interface Wish {
  readonly limits: readonly Counted[];
  readonly size: PromptSize;
  /** What it is estimated as, and what is learnt of it. */
  readonly known: Estimate;
  /** Before anything of it was cut. */
  readonly wanted: Bid;
}

/** What was set aside for a request, and of which limits, in the order of its amounts. */
class Held implements TokenLimits {
  readonly spent: Spent;
  readonly outputTokens: number | undefined;
  readonly bid: Bid;
  readonly size: PromptSize;
  readonly known: Estimate;
  /** Upstream goes on with it whoever hangs up. */
  readonly isBackground: boolean;
  readonly amounts: readonly Counted[];
  readonly limits: readonly Limit[];
  readonly standings: readonly LimitStanding[];
  /** Units of each. */
  readonly set: readonly number[];

  constructor(
    spent: Spent,
    { bid, amounts, standings }: Pick<Held, 'bid' | 'amounts' | 'standings'>,
    { wanted, size, known }: Wish,
    request: InferenceRequest,
  ) {
    this.spent = spent;
    this.isBackground = request.body['background'] === true;
    this.outputTokens = request.output !== undefined && bid.each < wanted.each ? bid.each : undefined;
    this.bid = bid;
    this.size = size;
    this.known = known;
    this.amounts = amounts;
    this.limits = amounts.map(({ limit }) => limit);
    this.standings = standings;
    const tokens = tokensOf(bid);
    this.set = amounts.map(({ limit }) => unitsOf(limit, tokens, bid.price));
  }
}

/**
 * What comes before in a conversation that upstream holds is in no body: many such requests at once would set nothing aside for
 * it, and who hangs up, or has it go on in the background, would have it for nothing.
 */
const earlierTokens = ({ request, route }: Asked): number =>
  request.held !== undefined && route.family === 'responses' ? EARLIER_TOKENS : 0;

const EARLIER_TOKENS = 8_192;

const isHeld = ({ per }: Limit): boolean => per === undefined;

const isRequests = ({ limit }: Counted): boolean => limit.unit === 'requests';
/** A request is one from its beginning: set aside until its end it would count in the day of that, or in both. */
const oneRequest = (counted: Counted): number => Number(isRequests(counted));

/** Whether a request counts for a limit: where no model works, there are no tokens. */
function concerns({ unit }: Limit, { route, request }: Asked): boolean {
  if (unit === 'streams') return request.isStream;
  return unit === 'requests' || unit === 'concurrency' || isCounted(route.family);
}

function unnamedLength({ route, request }: Asked, most: number | 'none'): number {
  const unbounded = most === 'none' ? UNBOUNDED_TOKENS : most;
  if (route.family === 'completions') return COMPLETION_TOKENS;
  if (route.family !== 'transcription') return unbounded;
  return Math.min(
    unbounded,
    LEAST_TRANSCRIPT_TOKENS + Math.ceil((request.upload?.bytes?.length ?? 0) / BYTES_A_SPOKEN_TOKEN),
  );
}

/** The bid with its answers cut to what the whole of each limit has room for. */
function fitWhole(x: Asked, limits: readonly Counted[], bid: Bid, overCap: 'lower' | 'deny'): Bid | Denial {
  const { output, upload } = x.request;
  let { each } = bid;
  for (const one of limits) {
    if (isHeld(one.limit)) continue;
    if (unitsOf(one.limit, { input: bid.least, cached: 0, output: 0 }, bid.price) > one.limit.max)
      return tooLarge(one.limit);
    const most = Math.max(1, lengthWithin(one.limit.max, one.limit, bid));
    if (most >= each || output === undefined || upload !== undefined) continue;
    if (!output.isOurs && overCap === 'deny') {
      return deny('value_out_of_range', {
        param: output.name,
        message: `Give at most ${most}: the limit ${one.limit.name} has no room for more.`,
      });
    }
    each = most;
  }
  return each === bid.each ? bid : { ...bid, each };
}

/** A shorter answer for what is left of a limit, where its length is not the caller's own wish. */
function shorterFor({ request }: Asked, limit: Limit, remaining: number, bid: Bid): Bid | undefined {
  const { output, upload } = request;
  if (output?.isOurs !== true || upload !== undefined) return undefined;
  const most = lengthWithin(remaining, limit, bid);
  return most < bid.each && most >= leastLength(limit, bid.each) ? { ...bid, each: most } : undefined;
}
