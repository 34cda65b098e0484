import assert from 'node:assert/strict';
import { request } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { ask } from './http.ts';
import { startProduct, type Product } from './product.ts';

/** Answers of one round before the kill: created or revoked keys. */
const LEAST_ANSWERS = 8;
const MORE_ANSWERS = 24;

const NO_LIMIT = { SALLYPORT__LIMITS__PER_IP__REQUESTS_PER_MINUTE: 'none' };

/** One call of the admin API over the Unix socket; rejects when the process dies under it. */
function admin(
  product: Product,
  path: string,
  body: object,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: join(product.stateDir, 'admin.sock'),
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      },
      (response) => {
        let answer = '';
        response.on('data', (part: Buffer) => (answer += part.toString()));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, json: JSON.parse(answer) as Record<string, unknown> }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

/**
 * Kills the product with SIGKILL in the midst of key creation, revocation and traffic, `rounds` times on one state
 * directory, and looks each time whether all that was acknowledged before holds after.
 *
 * @param random a number from 0 to 1; decides when to kill
 * @returns how many keys were acknowledged, and how many of them revoked
 */
export async function crashRounds(rounds: number, random: () => number): Promise<{ created: number; revoked: number }> {
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 0 });
  const stateDir = mkdtempSync(join(tmpdir(), 'sallyport-crash-'));
  const usable = new Map<string, string>();
  const revoked = new Map<string, string>();
  /** Neither answer has come: either may hold. */
  const doubtful = new Set<string>();
  try {
    for (let round = 0; round < rounds; round++) {
      const product = await startProduct(['--upstream', simulator.url, '--workers', '2'], stateDir, NO_LIMIT);
      await verify(product, usable, revoked);
      let isDying = false;
      // By answers, not by time: on a slow machine nothing would have happened yet.
      let awaited = LEAST_ANSWERS + Math.floor(random() * MORE_ANSWERS);
      const enough = Promise.withResolvers<void>();
      const acknowledged = (): void => {
        if (--awaited === 0) enough.resolve();
      };
      const work = Array.from({ length: 4 }, async (_, lane) => {
        while (!isDying) {
          try {
            const { status, json } = await admin(product, '/api/v1/api-keys', { name: `crash-${round}-${lane}` });
            assert.equal(status, 201, JSON.stringify(json));
            const id = String(json['id']);
            usable.set(id, String(json['key']));
            acknowledged();
            const to = { url: product.url, ca: readFileSync(product.caFile, 'utf8'), port: 0 };
            assert.equal((await ask(to, { key: String(json['key']) })).status, 200);
            if (lane % 2 === 0) continue;
            doubtful.add(id);
            const answer = await admin(product, `/api/v1/api-keys/${id}/revoke`, {});
            if (answer.status === 200) {
              revoked.set(id, usable.get(id) ?? '');
              doubtful.delete(id);
              acknowledged();
            }
            usable.delete(id);
          } catch (error) {
            if (error instanceof assert.AssertionError && !isDying) throw error;
          }
        }
      });
      // A lane that fails tells before the others have come far enough.
      await Promise.race([enough.promise, Promise.all(work)]);
      isDying = true;
      await product.end('SIGKILL');
      await Promise.all(work);
      for (const id of doubtful) usable.delete(id);
    }
    const last = await startProduct(['--upstream', simulator.url, '--workers', '2'], stateDir, NO_LIMIT);
    await verify(last, usable, revoked);
    assert.equal(await last.end(), 0);
    return { created: usable.size + revoked.size, revoked: revoked.size };
  } finally {
    await simulator.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function verify(
  product: Product,
  usable: ReadonlyMap<string, string>,
  revoked: ReadonlyMap<string, string>,
): Promise<void> {
  const to = { url: product.url, ca: readFileSync(product.caFile, 'utf8'), port: 0 };
  for (const [id, key] of usable) assert.equal((await ask(to, { key })).status, 200, `acknowledged key ${id} works`);
  for (const [id, key] of revoked)
    assert.equal((await ask(to, { key })).code, 'revoked_credential', `revoked key ${id} stays revoked`);
}
