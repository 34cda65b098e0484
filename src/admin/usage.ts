import * as z from 'zod';
import { dayOf, sumOf, type UsageRow } from '../limits/ledger.ts';
import { MILLIONTHS } from '../limits/limit.ts';
import { text } from '../kernel/option.ts';
import { deny } from '../kernel/reasons.ts';
import { operation, type Resource } from './operation.ts';

const DAY = 'Give a day such as 2026-11-26.';
const day = z.string({ error: DAY }).refine((value) => isDay(value), { error: DAY });
const BY = ['tenant', 'holder', 'model', 'day'] as const;

const row = z.strictObject({
  tenant: z.string().nullable(),
  holder: z.string().nullable().describe('`key:` and the id of an API key, or `token:` with issuer and subject.'),
  model: z.string().nullable(),
  day: z.string().nullable(),
  requests: z.int(),
  inputTokens: z.int(),
  cachedTokens: z.int().describe('Of the input.'),
  outputTokens: z.int(),
  cost: z.number().describe('By `limits.prices`, in their unit.'),
});

/** What was used, summed up. */
export const usageList = z.strictObject({ from: z.string(), to: z.string(), items: z.array(row) });

const name = text('Give a name.').optional();

/** Tokens and cost per tenant, key and model. */
export const usage: Resource = {
  name: 'usage',
  schemas: { UsageList: usageList },
  operations: (deps) => [
    operation({
      id: 'getUsage',
      method: 'GET',
      path: '/usage',
      scope: 'admin:read',
      summary: 'Sum up the tokens and the cost of days (UTC) by tenant, holder, model or day, the most first.',
      status: 200,
      query: z.strictObject({
        from: day.optional().describe('First day; left out: the first of this month.'),
        to: day.optional().describe('Last day, which is in it; left out: today.'),
        by: z
          .string()
          .prefault('tenant,holder,model')
          .transform((value) => value.split(','))
          .pipe(z.array(z.enum(BY, { error: `Give some of: ${BY.join(', ')}.` })))
          .describe('What is told apart: some of tenant, holder, model and day, with commas between them.'),
        tenant: name,
        holder: name,
        model: name,
      }),
      response: usageList,
      example: {
        from: '2030-01-01',
        to: '2030-01-31',
        items: [
          {
            tenant: 'default',
            holder: 'key:Ab12cd',
            model: 'tiny',
            day: null,
            requests: 12,
            inputTokens: 3_400,
            cachedTokens: 1_000,
            outputTokens: 900,
            cost: 0.0125,
          },
        ],
      },
      async handle({ query }) {
        const today = dayOf(deps.clock.nowMs());
        const { from = `${today.slice(0, 8)}01`, to = today, by } = query;
        if (from > to)
          return deny('value_out_of_range', { param: 'from', message: 'The first day is after the last one.' });
        const rows = await deps.usage({ from, to, tenant: query.tenant, holder: query.holder, model: query.model });
        return { value: { from, to, items: summed(rows, by) } };
      },
    }),
  ],
};

const isDay = (value: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)) && dayOf(Date.parse(value)) === value;

/** Rows that have in common what is told apart, as one; the most tokens first. */
function summed(rows: readonly UsageRow[], by: readonly (typeof BY)[number][]) {
  const sums = new Map<string, UsageRow>();
  for (const one of rows) {
    const key = JSON.stringify(by.map((dimension) => one[dimension]));
    const before = sums.get(key);
    sums.set(key, before === undefined ? one : sumOf(before, one));
  }
  const of = (one: UsageRow, dimension: (typeof BY)[number]) => (by.includes(dimension) ? one[dimension] : null);
  return [...sums.values()]
    .sort((a, b) => b.inputTokens + b.outputTokens - (a.inputTokens + a.outputTokens))
    .map((one) => ({
      ...{ tenant: of(one, 'tenant'), holder: of(one, 'holder'), model: of(one, 'model'), day: of(one, 'day') },
      ...{ requests: one.requests, inputTokens: one.inputTokens, cachedTokens: one.cachedTokens },
      ...{ outputTokens: one.outputTokens, cost: one.cost / MILLIONTHS },
    }));
}
