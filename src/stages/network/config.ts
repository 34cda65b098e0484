import type * as z from 'zod';
import type { DeepReadonly } from '../../kernel/deep-readonly.ts';
import { cidr, group, later, laterList, list } from '../../kernel/option.ts';

/** Which addresses may ask at all. */
export const networkConfig = group({
  allow: list(cidr()).prefault([]).describe('Networks that may call; an empty list allows all.'),
  deny: list(cidr()).prefault([]).describe('Networks that may not, even where allowed.'),
  bans: group({ enabled: later(true), first: later('1m'), max: later('1h'), allow: laterList() }).prefault({}),
}).prefault({});

/** Which addresses may ask, as it comes out: texts with prefix. */
export type NetworkConfig = DeepReadonly<z.output<typeof networkConfig>>;
