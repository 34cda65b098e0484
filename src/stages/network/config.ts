import type * as z from 'zod';
import type { DeepReadonly } from '../../kernel/deep-readonly.ts';
import { cidr, duration, flag, group, list } from '../../kernel/option.ts';

/** Which addresses may ask at all. */
export const networkConfig = group({
  allow: list(cidr()).prefault([]).describe('Networks that may call; an empty list allows all.'),
  deny: list(cidr()).prefault([]).describe('Networks that may not, even where allowed.'),
  bans: group({
    enabled: flag().prefault(true).describe('Whether addresses are banned for a time for what comes from them.'),
    first: duration('1s', '1d').prefault('1m').describe('Length of the first ban; each further one is twice as long.'),
    max: duration('1s', '30d').prefault('1h').describe('No ban is longer.'),
    allow: list(cidr()).prefault([]).describe('Networks that are never banned.'),
  })
    .prefault({})
    .transform(({ first, max, ...rest }) => ({ ...rest, firstMs: first, maxMs: max })),
}).prefault({});

/** Which addresses may ask, as it comes out: texts with prefix. */
export type NetworkConfig = DeepReadonly<z.output<typeof networkConfig>>;
