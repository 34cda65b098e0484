import { hash } from 'node:crypto';
import { createReplayMemory, createReplaySet } from '../../src/adapters/memory/replay-set.ts';
import { ALGORITHM_NAMES } from '../../src/jwt/algorithms.ts';
import { publicKeysOf } from '../../src/jwt/key-set.ts';
import type { GroupRecord, RoleRecord, TenantRecord } from '../../src/directory/records.ts';
import { createRevocations, type Revocations } from '../../src/directory/revocations.ts';
import { createRights } from '../../src/directory/rights.ts';
import { createIssuerBook, type IssuerBook } from '../../src/gateway/threads/issuer-book.ts';
import type { IssuerState } from '../../src/gateway/issuer-watch.ts';
import type { JsonObject, JsonValue } from '../../src/kernel/json.ts';
import type { Principal } from '../../src/kernel/exchange.ts';
import type { Denial } from '../../src/kernel/reasons.ts';
import type { ReplaySet } from '../../src/limits/replay-set.ts';
import type { IssuerRules } from '../../src/stages/authenticate/issuer-rules.ts';
import { createAccessTokenMethod } from '../../src/stages/authenticate/methods/access-token.ts';
import { isDenial, type Shown } from '../../src/stages/authenticate/methods/method.ts';
import { createProofJudge } from '../../src/stages/authenticate/proof.ts';
import { createSenderJudge } from '../../src/stages/authenticate/sender.ts';
import { createTokenJudge, type TokenJudge } from '../../src/stages/authenticate/token-principal.ts';
import { settableClock, type SettableClock } from './clock.ts';
import { signed, testKey, type TestKey } from './issuer.ts';

/** What a bench has in place of the usual. */
export interface BenchOptions {
  readonly rules?: Partial<IssuerRules>;
  /** Rules of further issuers. */
  readonly others?: readonly Partial<IssuerRules>[];
  /** Key sets by issuer, as they were fetched; the first issuer's is the bench's own key unless told. */
  readonly jwks?: Readonly<Record<string, JsonValue>>;
  readonly replays?: ReplaySet;
  readonly tenant?: (id: string) => TenantRecord | undefined;
  readonly roles?: readonly RoleRecord[];
  readonly groups?: readonly GroupRecord[];
}

/** The method of access tokens with all behind it that is pure, and a clock that stands still. */
export interface TokenBench {
  readonly clock: SettableClock;
  readonly book: IssuerBook;
  readonly revocations: Revocations;
  readonly key: TestKey;
  readonly judge: TokenJudge;
  /** How often an issuer was asked for its keys. */
  readonly asked: () => number;
  /** The issuer shows another key set from now on, or fails. */
  readonly news: (jwks: JsonValue | undefined, state?: Partial<IssuerState>) => void;
  /** A good token, unless told otherwise; a claim that is undefined is left out. */
  readonly token: (claims?: object, header?: object, key?: TestKey) => string;
  readonly shown: (token: string, change?: Partial<Shown>) => Shown;
  /** What the method finds. */
  readonly found: (token: string, change?: Partial<Shown>) => Promise<Principal | Denial | undefined>;
  /** `ok`, `unknown` where the method does not know the form, or the code of a denial with its `why`. */
  readonly outcome: (token: string, change?: Partial<Shown>) => Promise<string>;
  /** The principal of a token that is let in. @throws where it is not */
  readonly principal: (token: string, change?: Partial<Shown>) => Promise<Principal>;
}

/** When the clock of a bench starts. */
export const NOW_MS = 1_790_000_000_000;
/** The same in seconds. */
export const NOW_S = NOW_MS / 1000;
/** The first issuer of a bench. */
export const ISSUER = 'https://issuer.example.org';
/** The gateway. */
export const AUDIENCE = 'https://llm.example.org';

/** Rules of an issuer as an operator has them who wrote down the issuer alone. */
export const RULES: IssuerRules = {
  issuer: ISSUER,
  audiences: [AUDIENCE],
  algorithms: ALGORITHM_NAMES,
  acceptedTypes: ['at+jwt', 'jwt'],
  scopeClaim: 'scope',
  modelsClaim: 'models',
  tenantClaim: 'tenant',
  defaultModels: [],
  clockToleranceMs: 5_000,
  dpop: 'optional',
};

/** Key of the bench unless a test wants its own: made once, for making it takes time. */
export const BENCH_KEY = testKey('ES256', 'key-1');

/** Sets a bench up. @param key signs its tokens */
export function tokenBench(options: BenchOptions = {}, key: TestKey = BENCH_KEY): TokenBench {
  const clock = settableClock(NOW_MS);
  const issuers = [options.rules ?? {}, ...(options.others ?? [])].map((one): IssuerRules => ({ ...RULES, ...one }));
  let asked = 0;
  const stateOf = (issuer: string, jwks: JsonValue | undefined): IssuerState => ({
    issuer,
    jwks: jwks === undefined ? undefined : publicKeysOf(jwks),
    goodUntilMs: NOW_MS + 86_400_000,
    nextAskMs: NOW_MS + 86_400_000,
    introspectionEndpoint: undefined,
    why: undefined,
  });
  const ownJwks: JsonValue = { keys: [key.jwk as JsonObject] };
  const states = issuers.map(({ issuer }) => stateOf(issuer, options.jwks?.[issuer] ?? ownJwks));
  const book = createIssuerBook(
    states,
    async () => {
      asked++;
    },
    clock,
  );
  const revocations = createRevocations([]);
  const rights = createRights(options.roles ?? [], options.groups ?? []);
  const judge = createTokenJudge({
    tenant: options.tenant ?? (() => undefined),
    rights: () => rights,
    revocations: () => revocations,
    clock,
    judgeSender: createSenderJudge(
      createProofJudge({
        publicUrl: AUDIENCE,
        nonceKey: hash('sha256', 'nonces', 'buffer'),
        replays: options.replays ?? createReplaySet(createReplayMemory(256, 's')),
        clock,
      }),
    ),
    onUse: () => undefined,
  });
  const method = createAccessTokenMethod({ issuers, keysOf: (issuer) => book.keysOf(issuer), clock, judge });
  const shown = (value: string, change: Partial<Shown> = {}): Shown => ({
    value,
    scheme: 'bearer',
    proof: undefined,
    method: 'POST',
    path: '/v1/chat/completions',
    peer: { address: '192.0.2.1', network: '192.0.2.1' },
    certificate: undefined,
    ...change,
  });
  const found = async (token: string, change?: Partial<Shown>): Promise<Principal | Denial | undefined> =>
    await method(shown(token, change));

  return {
    clock,
    book,
    revocations,
    key,
    judge,
    asked: () => asked,
    news(jwks, state = {}) {
      const [first = RULES, ...rest] = issuers;
      const others = rest.map(({ issuer }) => stateOf(issuer, options.jwks?.[issuer] ?? ownJwks));
      book.apply([{ ...stateOf(first.issuer, jwks), ...state }, ...others]);
    },
    token: (claims = {}, header = {}, by = key) =>
      signed({ typ: 'at+jwt', alg: by.alg, kid: by.kid, ...header }, claimsOf(claims), by),
    shown,
    found,
    async outcome(token, change) {
      return outcomeOf(await found(token, change));
    },
    async principal(token, change) {
      const one = await found(token, change);
      if (one === undefined || isDenial(one)) throw new Error(outcomeOf(one));
      return one;
    },
  };
}

/** The claims of a good token of the first issuer, with some changed. */
export const claimsOf = (change: object = {}): Record<string, unknown> => ({
  iss: ISSUER,
  sub: 'user-1',
  aud: AUDIENCE,
  iat: NOW_S,
  exp: NOW_S + 300,
  jti: 'token-1',
  client_id: 'client-1',
  scope: 'inference:chat',
  models: ['tiny'],
  ...change,
});

/** What became of a credential, as a text. */
export function outcomeOf(one: Principal | Denial | undefined): string {
  if (one === undefined) return 'unknown';
  return isDenial(one) ? `${one.code}${one.why === undefined ? '' : `: ${one.why}`}` : 'ok';
}
