import type { Command } from './command.ts';
import { demo } from './demo.ts';
import { serve } from './serve.ts';

/** Every command. */
export const COMMANDS: readonly Command[] = [demo, serve];
