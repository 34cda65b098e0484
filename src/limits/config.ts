import * as z from 'zod';
import type { DeepReadonly } from '../kernel/deep-readonly.ts';
import { count, countOrNone, group, later, laterList, laterMap, text } from '../kernel/option.ts';

/** How much a caller may use. */
export const limitsConfig = group({
  default: group({
    requestsPerMinute: countOrNone(1, 10_000_000)
      .prefault(600)
      .describe('Requests per minute of a key without its own.'),
    tokensPerMinute: later(2_000_000),
    concurrency: countOrNone(1, 1_000_000).prefault(32).describe('Requests at once of a key without its own.'),
    maxOutputTokens: countOrNone(1, 100_000_000).prefault(65_536).describe('Most completion tokens of one choice.'),
    budget: group({ tokens: later('none'), per: later('day') }).prefault({}),
  }).prefault({}),
  counting: later('estimate'),
  rules: laterList(),
  prices: laterMap(),
  weights: z
    .record(text('Give the name of a tenant.'), count(1, 1000), { error: 'Give a map of tenants and their weights.' })
    .prefault({})
    .describe('Shares of tenants where requests have to wait for an upstream; 1 for those not named.'),
  timeZone: later('UTC'),
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
