import type { Socket } from 'node:net';
import { printable } from '../problem.ts';
import type { RecordWriter, TxtRecord } from './dns-01.ts';
import { SolverFault } from './solver.ts';

/** How a run of the hook ended. */
export interface HookEnd {
  /** Exit code; -1 where it did not run to its end. */
  readonly code: number;
  /** The end of what it printed. */
  readonly tail: string;
}

/** Runs the hook with `add` or `remove`, the name and the value. @throws SolverFault where nobody does */
export type HookRunner = (action: 'add' | 'remove', record: TxtRecord) => Promise<HookEnd>;

/** Hands records to the operator's program, which returns 0 once the world can see them. */
export function createRecordHook(program: string, run: HookRunner): RecordWriter {
  return {
    async add(record) {
      const { code, tail } = await run('add', record);
      if (code === 0) return;
      const why = code === -1 ? `could not run (${printable(tail)})` : `ended with ${code} (${printable(tail)})`;
      throw new SolverFault(`${program} ${why}: it must be a program that this user may execute, and end with 0`);
    },
    async remove(record) {
      // Left behind, it harms nobody: the next one has another value.
      await run('remove', record).catch(() => undefined);
    },
  };
}

/** A runner at the other end of a pipe: one line of JSON for each run, one as its answer (`bin/hook.mjs`). */
export function createHookPipe(pipe: Socket): HookRunner {
  const waiting = new Map<number, (end: HookEnd) => void>();
  let rest = '';
  let count = 0;
  pipe.setEncoding('utf8');
  pipe.on('error', () => undefined); // followed by its close
  pipe.on('close', () => {
    for (const done of waiting.values()) done({ code: -1, tail: 'the launcher has gone' });
    waiting.clear();
  });
  pipe.on('data', (part: string) => {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { id, code, tail } = JSON.parse(line) as HookEnd & { id: number };
      waiting.get(id)?.({ code, tail });
      waiting.delete(id);
    }
  });
  pipe.unref();
  return (action, { name, value }) =>
    new Promise((resolve) => {
      if (pipe.destroyed) return resolve({ code: -1, tail: 'the launcher has gone' });
      const id = ++count;
      waiting.set(id, resolve);
      pipe.write(`${JSON.stringify({ id, action, name, value })}\n`);
    });
}
