import type { TokenFacts } from '../kernel/exchange.ts';

/** How the access tokens of one client and subject were used. */
export interface TokenUse {
  readonly issuer: string;
  /** Empty where the tokens name no client. */
  readonly client: string;
  readonly subject: string;
  /** When the newest of them was issued, milliseconds since the epoch; undefined where they do not say. */
  readonly lastIssuedAtMs: number | undefined;
  readonly lastUsedAtMs: number;
  /** Requests. */
  readonly count: number;
  /** Addresses from which they came, the newest last, at most `MAX_NETWORKS`. */
  readonly networks: readonly string[];
}

/** Networks that are kept of one client and subject. */
export const MAX_NETWORKS = 16;
/** Pairs of client and subject that are kept, in memory and on disk; the ones that were idle longest are forgotten first. */
export const MAX_KEPT = 10_000;

/** The uses of tokens, as one thread collects them. */
export interface TokenUses {
  note(token: TokenFacts, network: string, nowMs: number): void;
  /** Adds what others have collected; what they come to now. */
  merge(uses: readonly TokenUse[]): readonly TokenUse[];
  list(): readonly TokenUse[];
  /** What was collected; empties it. */
  take(): readonly TokenUse[];
}

/** @param known what was collected before, the last used at the end */
export function createTokenUses(known: readonly TokenUse[] = []): TokenUses {
  const byKey = new Map(known.slice(-MAX_KEPT).map((use) => [keyOf(use), use]));

  function put(use: TokenUse): TokenUse {
    const key = keyOf(use);
    const before = byKey.get(key);
    const now = before === undefined ? use : sumOf(before, use);
    // Written anew, so that the order of the map is that of the last use.
    byKey.delete(key);
    byKey.set(key, now);
    const [oldest] = byKey.keys();
    if (byKey.size > MAX_KEPT && oldest !== undefined) byKey.delete(oldest);
    return now;
  }

  return {
    note({ issuer, clientId = '', subject, issuedAtMs }, network, nowMs) {
      put({
        issuer,
        client: clientId,
        subject,
        lastIssuedAtMs: issuedAtMs,
        lastUsedAtMs: nowMs,
        count: 1,
        networks: [network],
      });
    },
    merge: (uses) => uses.map(put),
    list: () => [...byKey.values()],
    take() {
      const taken = [...byKey.values()];
      byKey.clear();
      return taken;
    },
  };
}

const keyOf = ({ issuer, client, subject }: TokenUse): string => JSON.stringify([issuer, client, subject]);

function sumOf(before: TokenUse, more: TokenUse): TokenUse {
  const issued = Math.max(before.lastIssuedAtMs ?? 0, more.lastIssuedAtMs ?? 0);
  return {
    ...before,
    lastIssuedAtMs: issued === 0 ? undefined : issued,
    lastUsedAtMs: Math.max(before.lastUsedAtMs, more.lastUsedAtMs),
    count: before.count + more.count,
    networks: isSubset(more.networks, before.networks)
      ? before.networks
      : [...new Set([...before.networks, ...more.networks])].slice(-MAX_NETWORKS),
  };
}

const isSubset = (some: readonly string[], all: readonly string[]): boolean => some.every((one) => all.includes(one));
