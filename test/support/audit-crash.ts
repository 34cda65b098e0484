import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { verified } from './audit-log.ts';
import { auditRecords } from './audit-records.ts';
import { ask } from './http.ts';
import { startProduct, type Product } from './product.ts';

/** What came of it. */
export interface AuditCrashes {
  /** Requests that somebody has had an answer to. */
  readonly answered: number;
  /** Those of them that are not in the log. */
  readonly missing: number;
  /** The oldest of those, milliseconds before the kill. */
  readonly oldestMissingMs: number;
}

const LEAST = 40;
const MORE = 160;
const LANES = 8;

/**
 * Kills the product with SIGKILL under load, `rounds` times on one state directory; after each the log has to verify. Half of
 * the requests are refused, for a refusal is a decision, too.
 *
 * @param random a number from 0 to 1; decides when to kill
 */
export async function auditCrashRounds(
  rounds: number,
  durability: 'batched' | 'strict',
  random: () => number,
): Promise<AuditCrashes> {
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 0 });
  const stateDir = mkdtempSync(join(tmpdir(), 'sallyport-audit-crash-'));
  /** When each answer came, and when the process that gave it was killed. */
  const answers = new Map<string, { readonly atMs: number; killedAtMs: number }>();
  try {
    for (let round = 0; round < rounds; round++) {
      const product = await startProduct(['--upstream', simulator.url, '--workers', '2'], stateDir, {
        SALLYPORT__LIMITS__PER_IP__REQUESTS_PER_MINUTE: 'none',
        SALLYPORT__AUDIT_LOG__DURABILITY: durability,
      });
      const made = JSON.parse(product.command('keys', 'create', '--name', `r${round}`, '--rpm', 'none', '--json'));
      const killedAtMs = await loadAndKill(product, (made as { key: string }).key, answers, random);
      for (const answer of answers.values()) answer.killedAtMs ||= killedAtMs;
      const log = verified(stateDir);
      assert.equal(log.kind, 'whole', JSON.stringify(log));
    }
    const written = new Set(auditRecords(stateDir).map(({ metadata }) => metadata.uid));
    const missing = [...answers].filter(([id]) => !written.has(id)).map(([, answer]) => answer);
    const oldestMissingMs = Math.max(0, ...missing.map(({ atMs, killedAtMs }) => killedAtMs - atMs));
    return { answered: answers.size, missing: missing.length, oldestMissingMs };
  } finally {
    await simulator.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function loadAndKill(
  product: Product,
  key: string,
  answers: Map<string, { readonly atMs: number; killedAtMs: number }>,
  random: () => number,
): Promise<number> {
  const to = { url: product.url, ca: readFileSync(product.caFile, 'utf8'), port: 0 };
  let isDying = false;
  let awaited = LEAST + Math.floor(random() * MORE);
  const enough = Promise.withResolvers<void>();
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    while (!isDying) {
      const question = lane % 2 === 0 ? { key } : { key, path: '/metrics', method: 'GET' };
      const answer = await ask(to, question).catch(() => undefined);
      if (answer === undefined) continue;
      assert.equal(answer.status, lane % 2 === 0 ? 200 : 403);
      answers.set(String(answer.headers['x-request-id']), { atMs: Date.now(), killedAtMs: 0 });
      if (--awaited === 0) enough.resolve();
    }
  });
  await Promise.race([enough.promise, Promise.all(lanes)]);
  const killedAtMs = Date.now();
  await product.end('SIGKILL');
  isDying = true;
  await Promise.all(lanes);
  return killedAtMs;
}
