import { randomBytes } from 'node:crypto';
import type { AdminDeps } from '../admin/ports.ts';
import { issueApiKey, type ApiKeyWish, type Issued } from '../directory/issue.ts';

/** Makes an API key of a running gateway that works from the next request on. For what starts a gateway in its own process. */
export async function issueKey(
  { hmacKey, commit, clock }: Pick<AdminDeps, 'hmacKey' | 'commit' | 'clock'>,
  wish: ApiKeyWish,
): Promise<Issued> {
  const issuer = { hmacKey, randomBytes: (count: number) => randomBytes(count), isTaken: () => false };
  const issued = issueApiKey(wish, issuer, clock.nowMs());
  await commit([{ kind: 'api-key', record: issued.record, expectedVersion: 0 }]);
  return issued;
}
