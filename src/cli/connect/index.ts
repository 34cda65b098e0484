import { programs } from './programs.ts';
import { sdks } from './sdks.ts';
import type { Client } from './client.ts';

/** Every client whose settings can be printed. */
export const clients: readonly Client[] = [...sdks, ...programs];
