import type { Command } from './command.ts';
import { demo } from './demo.ts';
import { keys } from './keys.ts';
import { serve } from './serve.ts';

/** Every command. */
export const COMMANDS: readonly Command[] = [demo, keys, serve];
