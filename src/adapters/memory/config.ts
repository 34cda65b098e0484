import { group, later } from '../../kernel/option.ts';

/** Where counters are kept: in memory that the workers share. */
export const countersConfig = group({
  url: later('memory'),
  plaintext: later('refused'),
  onFailure: later('local-share'),
}).prefault({});
