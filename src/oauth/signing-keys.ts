import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { JsonObject } from '../kernel/json.ts';
import type { Sealer } from '../kernel/sealer.ts';
import { ownArtifact, type ArtifactStore } from './artifacts.ts';

/** A key pair that tokens are signed with. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: 'ES256' | 'RS256';
  /** `current` signs, `previous` only verifies what it has signed. */
  readonly use: 'current' | 'previous';
  readonly createdAtMs: number;
  /** When it is forgotten: what it has signed has expired by then. */
  readonly untilMs: number | undefined;
  readonly privateJwk: JsonObject;
}

/** The signing keys of the authorization server. A key module or KMS would be another implementation of this port. */
export interface SigningKeys {
  list(): readonly SigningKey[];
  /** Makes new keys current; those of before verify for `overlapMs` more. */
  rotate(overlapMs: number): Promise<void>;
}

const KIND = 'SigningKey';

/** Opens the signing keys, encrypted at rest; makes them where there are none. */
export async function openSigningKeys({
  artifacts,
  sealer,
  nowMs,
}: {
  readonly artifacts: ArtifactStore;
  readonly sealer: Sealer;
  readonly nowMs: () => number;
}): Promise<SigningKeys> {
  const placeOf = (row: string) => ({ tenant: '', purpose: 'signing-key', row });
  let keys: SigningKey[] = await Promise.all(
    (await artifacts.list(KIND, nowMs())).map(
      async ({ id, payload }) => JSON.parse(await sealer.open(placeOf(id), payload)) as SigningKey,
    ),
  );

  async function keep(key: SigningKey): Promise<void> {
    const payload = await sealer.seal(placeOf(key.kid), JSON.stringify(key));
    const { createdAtMs, untilMs } = key;
    await artifacts.put(ownArtifact({ kind: KIND, id: key.kid, payload, createdAtMs, expiresAtMs: untilMs }));
  }

  async function rotate(overlapMs: number): Promise<void> {
    const now = nowMs();
    const made = [newKey('ES256', now), newKey('RS256', now)];
    const old = keys
      .filter(({ untilMs }) => untilMs === undefined || untilMs > now)
      .map((key): SigningKey => (key.use === 'current' ? { ...key, use: 'previous', untilMs: now + overlapMs } : key));
    for (const key of [...made, ...old]) await keep(key);
    keys = [...made, ...old];
  }

  if (!keys.some(({ use }) => use === 'current')) await rotate(0);
  return { list: () => keys.filter(({ untilMs }) => untilMs === undefined || untilMs > nowMs()), rotate };
}

/** ES256 for access tokens, because it signs fast; RS256 for ID tokens, because OpenID Connect has clients expect it. */
function newKey(alg: SigningKey['alg'], createdAtMs: number): SigningKey {
  const kid = randomUUID();
  const { privateKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const members = Object.entries(privateKey.export({ format: 'jwk' })).map(([name, value]) => [name, String(value)]);
  const privateJwk: JsonObject = { ...Object.fromEntries(members), kid, alg, use: 'sig' };
  return { kid, alg, use: 'current', createdAtMs, untilMs: undefined, privateJwk };
}

const PRIVATE = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi']);

/** What of a key everybody may see. */
export const publicJwkOf = ({ privateJwk }: SigningKey): JsonObject =>
  Object.fromEntries(Object.entries(privateJwk).filter(([name]) => !PRIVATE.has(name)));
