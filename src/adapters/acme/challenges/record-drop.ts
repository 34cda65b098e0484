import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../kernel/clock.ts';
import type { RecordWriter, TxtRecord } from './dns-01.ts';
import { SolverFault } from './solver.ts';

/** What a folder of dropped records needs. */
export interface RecordDropOptions {
  /** Absolute path of a folder that this user may write to. */
  readonly folder: string;
  /** The TXT records of a name as this machine's resolver sees them; none where it cannot be asked. */
  readonly resolveTxt: (name: string) => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** How often it is looked, and for how long. */
  readonly everyMs?: number;
  readonly patienceMs?: number;
}

const EVERY_MS = 2_000;
const PATIENCE_MS = 10 * 60_000;

/**
 * Hands records over as files: `_acme-challenge.NAME.txt` with one value a line, removed when they are no longer needed.
 * It goes on once the resolver sees the value, or once whoever publishes it has written `_acme-challenge.NAME.done`.
 */
export function createRecordDrop(options: RecordDropOptions): RecordWriter {
  const { folder, resolveTxt, clock, everyMs = EVERY_MS, patienceMs = PATIENCE_MS } = options;
  const fileOf = ({ name }: TxtRecord, ending: string): string => join(folder, `${name}${ending}`);

  function write(record: TxtRecord, values: readonly string[]): void {
    const file = fileOf(record, '.txt');
    try {
      if (values.length === 0) rmSync(file, { force: true });
      else writeFileSync(file, values.map((value) => `${value}\n`).join(''), { mode: 0o644 });
      rmSync(fileOf(record, '.done'), { force: true });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown failure';
      throw new SolverFault(`${file} cannot be written (${code}): make the folder, and let this user write to it`);
    }
  }

  async function isSeen(record: TxtRecord): Promise<boolean> {
    if (statSync(fileOf(record, '.done'), { throwIfNoEntry: false }) !== undefined) return true;
    return (await resolveTxt(record.name)).includes(record.value);
  }

  return {
    async add(record) {
      // A name and its wildcard have two values at one name.
      write(record, [...linesOf(fileOf(record, '.txt')), record.value]);
      const endMs = clock.monotonicMs() + patienceMs;
      while (!(await isSeen(record))) {
        if (clock.monotonicMs() >= endMs || options.signal?.aborted === true) {
          const name = record.name;
          throw new SolverFault(
            `nobody published the TXT record ${name}: publish the lines of ${fileOf(record, '.txt')}, or write ${name}.done beside it`,
          );
        }
        await new Promise<void>((resolve) => clock.after(everyMs, resolve));
      }
    },
    remove(record) {
      try {
        write(
          record,
          linesOf(fileOf(record, '.txt')).filter((value) => value !== record.value),
        );
      } catch {
        // The folder is gone: so is the record.
      }
      return Promise.resolve();
    },
  };
}

function linesOf(file: string): string[] {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
