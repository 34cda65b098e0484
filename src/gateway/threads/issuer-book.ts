import { replaceKeys, type VerificationKey } from '../../jwt/key-set.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { IssuerKeys } from '../../stages/authenticate/methods/access-token.ts';
import type { IssuerState } from '../issuer-watch.ts';

/** The keys of all issuers, as one thread knows them. */
export interface IssuerBook {
  keysOf(issuer: string): IssuerKeys;
  /** Where an issuer is asked about opaque tokens. */
  introspectionEndpoint(issuer: string): string | undefined;
  /** Takes what the control plane has learnt; of issuers that are not in it nothing is kept. */
  apply(states: readonly IssuerState[]): void;
}

interface Entry {
  keys: VerificationKey[];
  state: IssuerState;
}

/** @param ask has the control plane ask an issuer; resolves once what came of it was applied */
export function createIssuerBook(
  states: readonly IssuerState[],
  ask: (issuer: string) => Promise<void>,
  clock: Clock,
): IssuerBook {
  const entries = new Map<string, Entry>();
  const asked = new Map<string, Promise<void>>();
  apply(states);

  function apply(next: readonly IssuerState[]): void {
    const names = new Set(next.map(({ issuer }) => issuer));
    for (const [issuer, entry] of entries) {
      if (names.has(issuer)) continue;
      // What such a key has signed counts no more, wherever it is remembered.
      replaceKeys(entry.keys, []);
      entries.delete(issuer);
    }
    for (const state of next) {
      const before = entries.get(state.issuer);
      const keys = state.jwks === undefined ? (before?.keys ?? []) : replaceKeys(before?.keys ?? [], state.jwks);
      entries.set(state.issuer, { keys, state });
    }
  }

  return {
    apply,
    introspectionEndpoint: (issuer) => entries.get(issuer)?.state.introspectionEndpoint,
    keysOf(issuer) {
      const state = (): IssuerState | undefined => entries.get(issuer)?.state;
      return {
        get keys() {
          const entry = entries.get(issuer);
          const isKnown = entry?.state.jwks !== undefined && clock.nowMs() < entry.state.goodUntilMs;
          return isKnown ? entry.keys : undefined;
        },
        mayRefresh: () => clock.nowMs() >= (state()?.nextAskMs ?? Infinity),
        isFailing: () => state()?.why !== undefined,
        retryAfterMs: () => Math.max(0, (state()?.nextAskMs ?? 0) - clock.nowMs()),
        refresh() {
          let running = asked.get(issuer);
          if (running === undefined) {
            running = ask(issuer).finally(() => asked.delete(issuer));
            asked.set(issuer, running);
          }
          return running;
        },
      };
    },
  };
}
