import * as z from 'zod';
import { duration, group, later } from '../kernel/option.ts';

const WORKERS_HINT = 'Give auto or a whole number from 1 to 64.';

/** Threads of the data plane. */
export const workersConfig = z
  .union(
    [
      z.literal('auto'),
      z.int({ error: WORKERS_HINT }).min(1, { error: WORKERS_HINT }).max(64, { error: WORKERS_HINT }),
    ],
    { error: WORKERS_HINT },
  )
  .prefault('auto')
  .describe('Threads of the data plane; auto is one for each core, at most 8.');

/** The end of the process. Comes out in milliseconds: `graceMs`. */
export const shutdownConfig = group({
  grace: duration('0s', '1h').prefault('30s').describe('How long running answers may take to end.'),
})
  .prefault({})
  .transform(({ grace }) => ({ graceMs: grace }));

/** The transport: Node's own. */
export const transportConfig = later('node');

/** Number of workers; `cores` is what the machine offers this process. */
export function workersOf(workers: z.output<typeof workersConfig>, cores: number): number {
  return workers === 'auto' ? Math.max(1, Math.min(cores, 8)) : workers;
}
