import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditLogPlaces } from '../src/adapters/audit-log/folder.ts';
import { verifyLog } from '../src/adapters/audit-log/verify.ts';
import { openAuditLog } from '../src/adapters/audit-log/writer.ts';
import { parseVerifier } from '../src/audit-log/note.ts';
import { systemClock } from '../src/kernel/clock.ts';

/**
 * What the audit log costs: records written in a second, and megabytes verified, each on one core. Lines of 900 bytes, in
 * groups of what comes within 50 ms at that rate. `bench/audit-log.ts [RECORDS] [FOLDER]`: on the disk of that folder.
 */
const RECORD_BYTES = 900;
const GROUP = 2_500;
const ROUNDS = 3;

const records = Number(process.argv[2] ?? 500_000);
const root = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'sallyport-bench-audit-log-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const head = {
  metadata: { version: '1.8.0', product: { name: 'sallyport', vendor_name: 'sallyport' } },
  time: 0,
  text: '',
};
const text = JSON.stringify({ ...head, text: 'x'.repeat(RECORD_BYTES - JSON.stringify(head).length) });

/** Wall and CPU time of one piece of work, in seconds. */
function timed(work: () => void): { wallS: number; cpuS: number } {
  const [from, before] = [performance.now(), process.cpuUsage()];
  work();
  const { user, system } = process.cpuUsage(before);
  return { wallS: (performance.now() - from) / 1_000, cpuS: (user + system) / 1_000_000 };
}

function write(stateDir: string, groupSize: number, count: number): { wallS: number; cpuS: number } {
  const log = openAuditLog({ stateDir, clock: systemClock });
  const group = Array.from({ length: groupSize }, () => text);
  return timed(() => {
    let signedMs = performance.now();
    for (let written = 0; written < count; written += groupSize) {
      log.append(group);
      // Nothing here waits, so the timer never comes.
      if (performance.now() - signedMs < 1_000) continue;
      log.checkpoint();
      signedMs = performance.now();
    }
    log.close();
  });
}

function verify(stateDir: string): number {
  const places = auditLogPlaces(stateDir);
  const key = parseVerifier(readFileSync(places.publicKey, 'utf8'));
  const verdict = key === undefined ? undefined : verifyLog({ ...places, key, copies: [places.lastCheckpoint] });
  if (verdict?.kind !== 'whole') throw new Error(`the log does not hold: ${JSON.stringify(verdict)}`);
  return verdict.bytes;
}

say(`${cpus()[0]?.model ?? '?'}, Node ${process.version}, ${records} records of ${RECORD_BYTES} bytes`);
for (let round = 1; round <= ROUNDS; round++) {
  const stateDir = join(root, String(round));
  const wrote = write(stateDir, GROUP, records);
  let bytes = 0;
  const read = timed(() => void (bytes = verify(stateDir)));
  say(
    `round ${round}: written ${Math.round(records / wrote.wallS)}/s (${((wrote.cpuS / records) * 1e6).toFixed(2)} us of CPU each), ` +
      `verified ${Math.round(bytes / 1e6 / read.wallS)} MB/s (${Math.round(bytes / 1e6 / read.cpuS)} MB/s of CPU)`,
  );
  rmSync(stateDir, { recursive: true });
}
for (const groupSize of [1, 10, 100]) {
  const count = 300 * groupSize;
  const { wallS } = write(join(root, `group-${groupSize}`), groupSize, count);
  say(
    `groups of ${groupSize}: ${((wallS / (count / groupSize)) * 1_000).toFixed(2)} ms until a group is on the disk, ${Math.round(count / wallS)}/s`,
  );
}
