import assert from 'node:assert/strict';
import * as oidc from 'openid-client';
import { ageArtifacts } from './aged.ts';
import type { TestGateway } from './gateway.ts';
import { ask } from './http.ts';

/** Requests that use one refresh token at once. */
export const RACERS = 20;
/** Longer than any grace. */
export const LATER_MS = 31_000;

/**
 * Uses a refresh token many times at once: all get one successor, whose access token works (RT-05, RT-09).
 *
 * @returns the successor
 */
export async function race(
  it: TestGateway,
  config: oidc.Configuration,
  token: string,
): Promise<{ readonly accessToken: string; readonly refreshToken: string }> {
  const all = await Promise.all(Array.from({ length: RACERS }, () => oidc.refreshTokenGrant(config, token)));
  const [first, ...others] = all;
  assert.ok(first?.refresh_token !== undefined && first.refresh_token !== token);
  for (const one of others)
    assert.deepEqual([one.refresh_token, one.access_token], [first.refresh_token, first.access_token]);
  assert.equal((await ask(it, { key: first.access_token })).status, 200);
  return { accessToken: first.access_token, refreshToken: first.refresh_token };
}

/** Lines of the log that tell of a refresh token that was used again. */
export const reuses = (it: TestGateway): string[] =>
  it.log.filter((line) => line.includes('"security"') && line.includes('refresh_token_reused'));

/** The losers ask again once the grace is over: none gets anything, the family ends, and one line tells (RT-04). */
export async function losersComeLate(
  it: TestGateway,
  config: oidc.Configuration,
  token: string,
  successor: Awaited<ReturnType<typeof race>>,
): Promise<void> {
  const before = reuses(it).length;
  ageArtifacts(it.stateDir, 'RefreshToken', LATER_MS);
  const late = Array.from({ length: RACERS - 1 }, () =>
    assert.rejects(oidc.refreshTokenGrant(config, token), { error: 'invalid_grant' }),
  );
  await Promise.all(late);
  assert.equal((await ask(it, { key: successor.accessToken })).code, 'revoked_credential');
  await assert.rejects(oidc.refreshTokenGrant(config, successor.refreshToken), { error: 'invalid_grant' });
  assert.equal(reuses(it).length - before, 1);
}
