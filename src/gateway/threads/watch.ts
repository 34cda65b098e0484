import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../../adapters/tls/private-files.ts';
import { createDetector, type Finding } from '../../anomaly/detector.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { AuditRecord } from '../../kernel/record.ts';
import type { WishedFinding } from '../quarantine.ts';

/** Looks for what is unusual in all that is recorded. */
export interface Watch {
  hear(record: AuditRecord): void;
  /** Keeps what was learned for the next start. */
  close(): void;
}

const TICK_MS = 30_000;
/** What was learned since is lost with a process that is killed. */
const KEEP_MS = 10 * 60_000;

/** Opens it with what was learned before. What is damaged is not taken: it begins anew. */
export function openWatch(stateDir: string, clock: Clock, tell: (findings: readonly WishedFinding[]) => void): Watch {
  const file = join(stateDir, 'anomaly.state');
  const detector = createDetector();
  const before = stateIn(file);
  if (before !== undefined) detector.restore(before);
  let keptAtMs = clock.monotonicMs();

  function pass(findings: readonly Finding[]): void {
    if (findings.length > 0) tell(findings.map(({ record, wish }) => ({ ...record, mayHold: wish === 'hold' })));
  }

  function keep(): void {
    keptAtMs = clock.monotonicMs();
    try {
      writeAtomically(file, detector.snapshot(), 0o600);
    } catch {
      // A full disk: what was learned is still here, and is kept the next time.
    }
  }

  function tick(): void {
    clock.after(TICK_MS, tick);
    pass(detector.tick(clock.nowMs()));
    if (clock.monotonicMs() - keptAtMs >= KEEP_MS) keep();
  }

  tick();
  return { hear: (record) => pass(detector.hear(record)), close: keep };
}

function stateIn(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
