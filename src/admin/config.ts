import { isIP } from 'node:net';
import type * as z from 'zod';
import type { DeepReadonly } from '../kernel/deep-readonly.ts';
import { count, group, text } from '../kernel/option.ts';

/** The admin listener. */
export const adminConfig = group({
  host: text(
    'Give an IP address such as 127.0.0.1, or a host name.',
    (value) => isIP(value) > 0 || /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(value),
  )
    .prefault('127.0.0.1')
    .describe('Address of the admin listener.'),
  port: count(0, 65_535).prefault(9443).describe('Port of the admin listener; 0 picks a free one.'),
}).prefault({});

/** The admin listener as it comes out. */
export type AdminConfig = DeepReadonly<z.output<typeof adminConfig>>;
