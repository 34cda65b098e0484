import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { auditLogPlaces } from '../../src/adapters/audit-log/folder.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newStateDir, openLog, wholeOf } from './audit-log.ts';

const PROGRAM = fileURLToPath(new URL('write-audit-log.ts', import.meta.url));

/**
 * Kills a process that writes an audit log, again and again on the same log; it must verify each time and lack nothing
 * that was acknowledged. @returns how many records it has in the end
 */
export async function killWhileWriting(rounds: number, random: () => number): Promise<number> {
  const stateDir = newStateDir();
  const copies = [auditLogPlaces(stateDir).lastCheckpoint];
  for (let round = 0; round < rounds; round++) {
    const acknowledged = await writtenUntilKilled(stateDir, round, 1 + Math.floor(random() * 40));
    const { size } = wholeOf(stateDir, { copies });
    assert.ok(size >= acknowledged, `round ${round}: ${acknowledged} acknowledged, ${size} there`);
  }
  openLog(stateDir, { clock: systemClock }).close();
  const { state, crashes, gaps, clocksSetBack, size } = wholeOf(stateDir, { copies });
  assert.deepEqual([state, crashes, gaps, clocksSetBack], ['closed', rounds, [], 0]);
  return size;
}

/** Verifies a log so many times while another process writes it. @returns how many records it had in the end */
export async function verifyWhileWriting(times: number): Promise<number> {
  const stateDir = newStateDir();
  const child = spawn(process.execPath, [PROGRAM, stateDir, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let [seen, size] = [0, 0];
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (seen++ < times) ({ size } = wholeOf(stateDir, { copies: [auditLogPlaces(stateDir).lastCheckpoint] }));
      else child.kill('SIGKILL');
      assert.ok(Number(line) > 0);
    }
  } finally {
    child.kill('SIGKILL');
  }
  return size;
}

/** @returns up to which number everything was acknowledged: a line of its output each time */
async function writtenUntilKilled(stateDir: string, round: number, lines: number): Promise<number> {
  const child = spawn(process.execPath, [PROGRAM, stateDir, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let [acknowledged, seen] = [0, 0];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    if (++seen === lines) child.kill('SIGKILL');
  }
  return acknowledged;
}
