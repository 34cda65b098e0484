import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ALGORITHM_NAMES } from '../../src/jwt/algorithms.ts';
import { looksLikeJwt, splitCompactJws } from '../../src/jwt/compact.ts';
import { publicKeysOf, replaceKeys } from '../../src/jwt/key-set.ts';
import { signerOf } from '../../src/jwt/signer.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { AUDIENCE, ISSUER, tokenBench } from '../support/token-bench.ts';

/** Wycheproof's vectors of JWS, each judged by what verifies access tokens. `WYCHEPROOF` is the folder of the module. */
interface Vectors {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly comment: string;
    readonly private: JsonObject;
    readonly public?: JsonObject;
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly jws: unknown;
      readonly result: 'valid' | 'invalid' | 'acceptable';
    }[];
  }[];
}

const file = join(process.env['WYCHEPROOF'] ?? '', 'testvectors_v1/json_web_signature_test.json');
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

/** Valid vectors that we refuse, and why we want to. */
const ON_PURPOSE: readonly (readonly [string, (jwk: JsonObject, text: string) => boolean])[] = [
  ['HMAC: a key that two share proves nothing of who has signed', ({ kty }) => kty === 'oct'],
  ['its key is for ES521, which no standard knows', ({ alg }) => alg === 'ES521'],
  ['its payload is empty, which no token is', (_, text) => text.split('.')[1] === ''],
  ['its key is for another algorithm', ({ alg }, text) => splitCompactJws(text)?.header['alg'] !== alg],
];

/** Whether a text is a JWS by a key, as far as that can be said of any payload. */
function accepts(text: string, jwk: JsonObject): boolean {
  const keys = replaceKeys([], publicKeysOf({ keys: [jwk] }));
  const parts = looksLikeJwt(text) ? splitCompactJws(text) : undefined;
  if (parts === undefined || parts.header['crit'] !== undefined) return false;
  return typeof signerOf(parts, ALGORITHM_NAMES, keys) === 'object';
}

test('JW-01 JW-02 JW-03 JW-15 every vector of Wycheproof is judged as it says, or refused on purpose', () => {
  const counts = { accepted: 0, refused: 0 };
  const onPurpose = new Map<string, string[]>();
  const wrong: string[] = [];
  for (const { comment, tests, ...group } of vectors.testGroups) {
    const jwk = group.public ?? group.private;
    for (const { tcId, comment: what, jws, result } of tests) {
      const text = typeof jws === 'string' ? jws : JSON.stringify(jws);
      const isAccepted = accepts(text, jwk);
      const name = `${tcId} (${comment}, ${what})`;
      if (result === 'invalid') {
        if (isAccepted) wrong.push(`accepted: ${name}`);
        else counts.refused++;
      } else if (isAccepted) counts.accepted++;
      else {
        const [why] = ON_PURPOSE.find(([, isSo]) => isSo(jwk, text)) ?? [];
        if (why === undefined) wrong.push(`refused: ${name}`);
        else onPurpose.set(why, [...(onPurpose.get(why) ?? []), name]);
      }
    }
  }
  const left = [...onPurpose].map(([why, names]) => `${names.length} because ${why}`).join('; ');
  process.stdout.write(
    `Wycheproof JWS: ${counts.accepted} valid accepted, ${counts.refused} invalid refused, valid but refused: ${left}\n`,
  );
  assert.deepEqual(wrong, []);
  const all = counts.accepted + counts.refused + [...onPurpose.values()].flat().length;
  assert.deepEqual([all, vectors.numberOfTests], [401, 401]);
});

test('no vector is an access token: the whole method refuses each, for none says who it is for', async () => {
  for (const { tests, ...group } of vectors.testGroups) {
    const bench = tokenBench({
      rules: { acceptedTypes: ['at+jwt', 'jwt', 'absent'], audiences: [AUDIENCE] },
      jwks: { [ISSUER]: { keys: [group.public ?? group.private] } },
    });
    for (const { jws } of tests) assert.notEqual(await bench.outcome(String(jws)), 'ok');
  }
});
