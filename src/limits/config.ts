import * as z from 'zod';
import type { DeepReadonly } from '../kernel/deep-readonly.ts';
import { choice, count, countOrNone, group, list, text } from '../kernel/option.ts';
import { isTimeZone } from './calendar.ts';
import { parseAmountPer } from './limit.ts';

const RULE_NAME = 'Give a name of 1 to 40 characters a-z, 0-9 and -, other than tenant, group and member.';
const PER = ['key', 'tenant', 'group', 'member', 'user', 'client', 'model', 'address', 'route'] as const;

/** `600/min` and its like. @param decimals whether a fraction makes sense: of money */
function amount(example: string, decimals = false) {
  const hint = `Give an amount in a time such as ${example}: from ${decimals ? '0.000001 to 1000000000' : '1 to 1000000000000000'}, for s, min, h, day or month.`;
  return z.string({ error: hint }).transform((value, context) => {
    const read = parseAmountPer(value, decimals);
    if (read !== undefined) return read;
    context.issues.push({ code: 'custom', message: hint, input: value });
    return z.NEVER;
  });
}

const LIMITS = ['concurrency', 'streams', 'requests', 'tokens', 'inputTokens', 'outputTokens', 'cost'] as const;

/** One rule; several of the amounts may stand in it. */
const rule = group({
  name: text(RULE_NAME, (name) => /^(?!(tenant|group|member)$)[a-z0-9]([a-z0-9-]{0,39})$/.test(name)).describe(
    'How refusals and headers name it: NAME.requests.',
  ),
  per: list(choice(...PER))
    .min(1, { error: `Give at least one of: ${PER.join(', ')}.` })
    .refine((all) => new Set(all).size === all.length, { error: 'Name each once.' })
    .describe('What is counted by, together where there are several.'),
  concurrency: count(1, 1_000_000).optional().describe('Requests at once.'),
  streams: count(1, 1_000_000).optional().describe('Streams at once.'),
  requests: amount('600/min').optional().describe('Requests; for day and month by the calendar.'),
  tokens: amount('1000000/day')
    .optional()
    .describe('Tokens of prompts and answers; for h, day and month by the calendar.'),
  inputTokens: amount('1000000/day').optional().describe('Tokens of prompts.'),
  outputTokens: amount('200000/day').optional().describe('Tokens of answers.'),
  cost: amount('25.00/day', true).optional().describe('Money by limits.prices, in their unit; by the calendar.'),
}).refine((one) => LIMITS.some((name) => one[name] !== undefined), {
  error: `Give the rule at least one limit: ${LIMITS.join(', ')}.`,
});

const PRICE = 'Give a price for a million tokens: a number from 0 to 1000000.';
const price = () => z.number({ error: PRICE }).min(0, { error: PRICE }).max(1_000_000, { error: PRICE });

/** How much a caller may use. */
export const limitsConfig = group({
  default: group({
    requestsPerMinute: countOrNone(1, 10_000_000)
      .prefault(600)
      .describe('Requests per minute of a key without its own.'),
    tokensPerMinute: countOrNone(1, 1_000_000_000_000)
      .prefault(2_000_000)
      .describe('Tokens per minute, of prompts and answers, of a key without its own.'),
    concurrency: countOrNone(1, 1_000_000).prefault(32).describe('Requests at once of a key without its own.'),
    maxOutputTokens: countOrNone(1, 100_000_000).prefault(65_536).describe('Most completion tokens of one choice.'),
    budget: group({
      tokens: countOrNone(1, 1_000_000_000_000_000).prefault('none').describe('Tokens in each window of the calendar.'),
      per: choice('hour', 'day', 'month').prefault('day').describe('The window, in limits.timeZone.'),
    }).prefault({}),
  }).prefault({}),
  counting: choice('estimate', 'upstream')
    .prefault('estimate')
    .describe('How prompts are counted before they are sent: estimated, or by /tokenize of vLLM, which takes a call.'),
  rules: list(rule)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
      error: 'Give each rule a name of its own.',
    })
    .prefault([])
    .describe('More limits; all of them hold.'),
  prices: z
    .record(
      text('Give the name of a model, or * for all others.', (name) => name.length <= 256),
      group({
        input: price().describe('Of prompts.'),
        cached: price().optional().describe('Of what upstream had of a prompt already; left out: as input.'),
        output: price().describe('Of answers.'),
      }),
      { error: 'Give a map of models and their prices.' },
    )
    .prefault({})
    .describe('Prices for a million tokens, by model; * for all others.'),
  weights: z
    .record(text('Give the name of a tenant.'), count(1, 1000), { error: 'Give a map of tenants and their weights.' })
    .prefault({})
    .describe('Shares of tenants where requests have to wait for an upstream; 1 for those not named.'),
  timeZone: text('Give a time zone such as UTC or Europe/Berlin.', isTimeZone)
    .prefault('UTC')
    .describe('Where days and months begin.'),
  perIp: group({
    requestsPerMinute: countOrNone(1, 10_000_000).prefault(1200).describe('Requests per minute of an address.'),
    failuresPerMinute: countOrNone(1, 10_000_000)
      .prefault(30)
      .describe('Invalid credentials per minute of an address.'),
    connections: countOrNone(1, 1_000_000).prefault(256).describe('Open connections of an address.'),
  }).prefault({}),
}).prefault({});

/** How much a caller may use, as it comes out. */
export type LimitsConfig = DeepReadonly<z.output<typeof limitsConfig>>;
