import { verify, type KeyObject, createPublicKey } from 'node:crypto';
import { createRevocations } from '../src/directory/revocations.ts';
import { createRights } from '../src/directory/rights.ts';
import { replaceKeys, publicKeysOf } from '../src/jwt/key-set.ts';
import type { Clock } from '../src/kernel/clock.ts';
import type { JsonValue } from '../src/kernel/json.ts';
import type { IssuerRules } from '../src/stages/authenticate/issuer-rules.ts';
import { createAccessTokenMethod } from '../src/stages/authenticate/methods/access-token.ts';
import type { Method, Shown } from '../src/stages/authenticate/methods/method.ts';
import { createTokenJudge } from '../src/stages/authenticate/token-principal.ts';
import { signed, testKey, type TestAlgorithm, type TestKey } from '../test/support/issuer.ts';

const ISSUER = 'https://issuer.example.org/realms/team';
const AUDIENCE = 'https://llm.example.org';
/** Tokens that are made up front; each run takes the next one, and after all of them nothing is remembered any more. */
const TOKENS = 512;

const rules: IssuerRules = {
  issuer: ISSUER,
  audiences: [AUDIENCE],
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  acceptedTypes: ['at+jwt'],
  scopeClaim: 'scope',
  modelsClaim: 'models',
  tenantClaim: 'tenant',
  defaultModels: [],
  clockToleranceMs: 5_000,
  dpop: 'optional',
};

/** What a token costs that was seen before. */
export function cachedToken(clock: Clock): () => unknown {
  const key = testKey('ES256');
  const method = methodFor(key, clock);
  const shown = shownOf(tokenOf(key, 0));
  void method(shown);
  return () => method(shown);
}

/** What a token costs that was not seen before, and beside it what its signature alone does. */
export function freshToken(alg: TestAlgorithm, clock: Clock): { run: () => unknown; plain: () => unknown } {
  const key = testKey(alg);
  const tokens = Array.from({ length: TOKENS }, (_, i) => shownOf(tokenOf(key, i)));
  let method = methodFor(key, clock);
  let next = 0;
  const publicKey = createPublicKey({ key: key.jwk, format: 'jwk' });
  const [head, body, tail = ''] = tokens[0]?.value.split('.') ?? [];
  const data = Buffer.from(`${head}.${body}`);
  const signature = Buffer.from(tail, 'base64url');
  return {
    run() {
      if (next === TOKENS) {
        next = 0;
        method = methodFor(key, clock);
      }
      const shown = tokens[next++];
      return shown === undefined ? undefined : method(shown);
    },
    plain: () => verifyAs(alg, data, publicKey, signature),
  };
}

function verifyAs(alg: TestAlgorithm, data: Buffer, key: KeyObject, signature: Buffer): boolean {
  if (alg === 'RS256') return verify('sha256', data, key, signature);
  if (alg === 'ES256') return verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature);
  return verify(null, data, key, signature);
}

function methodFor({ jwk }: TestKey, clock: Clock): Method {
  const keys = replaceKeys([], publicKeysOf({ keys: [jwk as JsonValue] }));
  const revocations = createRevocations([]);
  const rights = createRights([], []);
  return createAccessTokenMethod({
    issuers: [rules],
    keysOf: () => ({
      keys,
      mayRefresh: () => false,
      isFailing: () => false,
      refresh: () => Promise.resolve(),
      retryAfterMs: () => 0,
    }),
    clock,
    judge: createTokenJudge({
      tenant: () => undefined,
      rights: () => rights,
      revocations: () => revocations,
      clock,
      judgeSender: () => undefined,
      onUse: () => undefined,
    }),
  });
}

function tokenOf(key: TestKey, number: number): string {
  const nowS = Math.floor(Date.now() / 1000);
  return signed(
    { typ: 'at+jwt', alg: key.alg, kid: key.kid },
    {
      iss: ISSUER,
      sub: '5f0c6c62-4f2e-4b9a-9f0f-2c1d7a0f6a11',
      aud: AUDIENCE,
      iat: nowS,
      exp: nowS + 3_600,
      jti: `0b8f2a8e-5c3a-4d0e-9a3e-${number}`,
      client_id: 'team-chat',
      scope: 'inference:chat inference:responses models:read',
      models: ['tiny', 'large'],
      tenant: 'team',
    },
    key,
  );
}

const shownOf = (value: string): Shown => ({
  value,
  scheme: 'bearer',
  proof: undefined,
  method: 'POST',
  path: '/v1/chat/completions',
  peer: { address: '192.0.2.7', network: '192.0.2.7' },
  certificate: undefined,
});
