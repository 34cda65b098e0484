import type { BanDesk } from '../admin/ports.ts';
import type { Config } from '../config/schema.ts';
import type { BanRecord } from '../directory/records.ts';
import type { DirectoryStore } from '../directory/store.ts';
import { cannotBan } from '../gateway/bans.ts';
import type { Clock } from '../kernel/clock.ts';
import { REMEMBERED_FOR_MS } from '../limits/bans.ts';

/** What bans are changed with while no gateway runs. */
export interface StoredBansDeps {
  readonly store: Pick<DirectoryStore, 'noteBans'>;
  /** Read only where one is added. */
  readonly config: () => Config;
  readonly clock: Clock;
}

/** The bans of a gateway that does not run: what it will find when it is started. */
export function storedBans(stored: readonly BanRecord[], { store, config, clock }: StoredBansDeps): BanDesk {
  const byNetwork = new Map(stored.map((ban) => [ban.network, ban]));
  const isInForce = ({ untilMs }: BanRecord): boolean => untilMs > clock.nowMs();
  const put = (ban: BanRecord): void => {
    byNetwork.set(ban.network, ban);
    void store.noteBans([ban], clock.nowMs() - REMEMBERED_FOR_MS);
  };
  return {
    list: () => [...byNetwork.values()].filter(isInForce),
    lift(network) {
      const ban = byNetwork.get(network);
      if (ban === undefined || !isInForce(ban)) return undefined;
      put({ ...ban, untilMs: 0 });
      return ban;
    },
    add(network, forMs) {
      const refused = cannotBan(network, config());
      if (refused !== undefined) return refused;
      const startedAtMs = clock.nowMs();
      const ban: BanRecord = { network, reason: 'operator', number: 1, startedAtMs, untilMs: startedAtMs + forMs };
      put(ban);
      return ban;
    },
  };
}
