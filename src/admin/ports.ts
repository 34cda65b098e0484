import type { RecordChange } from '../directory/records.ts';
import type { DirectoryState } from '../directory/state.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Principal } from '../kernel/exchange.ts';
import type { Denial } from '../kernel/reasons.ts';
import type { Advisory } from '../vllm/advisories/advisory.ts';
import type { PatchRow } from '../vllm/patches/patch.ts';
import type { Release } from '../vllm/release.ts';

/** How a committed change arrived at the workers. */
export interface Committed {
  /** Workers that confirmed it. */
  readonly confirmed: number;
  /** Workers that did not confirm it within 2 s and were replaced by ones that know it. */
  readonly replaced: number;
}

/** Who asks the admin API: an authenticated principal, or whoever may open the Unix socket. */
export type Actor = { readonly kind: 'socket' } | { readonly kind: 'principal'; readonly principal: Principal };

/** An upstream's state for people. */
export interface UpstreamView {
  readonly name: string;
  readonly url: string;
  readonly state: 'up' | 'down' | 'unknown';
  readonly version: string | undefined;
  readonly models: readonly string[];
  readonly outstanding: number;
  /** Why it is down or unknown, for the operator. */
  readonly why: string | undefined;
}

/** An upstream with the virtual patches that are on for it. */
export interface PatchedUpstream {
  readonly name: string;
  readonly version: string | undefined;
  readonly release: Release | undefined;
  readonly patches: readonly PatchRow[];
}

/** What is known of vLLM's holes. */
export interface Advisories {
  list(): readonly Advisory[];
  /** Adds imported ones for good. */
  add(imported: readonly Advisory[]): void;
  upstreams(): readonly PatchedUpstream[];
}

/** What the admin API works on; made by the composition root. */
export interface AdminDeps {
  readonly directory: DirectoryState;
  /**
   * Makes changes durable, then has every live worker work with them.
   *
   * @throws VersionConflict, StoreUnavailable; nothing was changed then
   */
  readonly commit: (changes: readonly RecordChange[]) => Promise<Committed>;
  readonly hmacKey: Uint8Array;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly clock: Clock;
  readonly version: string;
  /** The configuration with its secrets masked. */
  readonly config: () => unknown;
  /** State of this process and its threads. */
  readonly instances: () => readonly unknown[];
  readonly upstreams: () => readonly UpstreamView[];
  readonly advisories: Advisories;
  /** Prometheus text (version 0.0.4). */
  readonly metrics: () => string;
  /** `true`: metrics need `metrics:read`; `open`: they do not; `false`: there are none. */
  readonly prometheus: true | false | 'open';
  /** Finds the principal of a credential on the admin listener, with the same checks as on the public one. */
  readonly authenticate: (
    authorization: string | undefined,
    xApiKey: string | undefined,
    address: string,
  ) => Principal | Denial;
  /** Writes one line to the log: who changed what. */
  readonly logChange: (actor: Actor, action: string, object: string) => void;
  /** Writes an error that nobody handled to the log; the caller gets the request id alone. */
  readonly logFault?: (requestId: string, error: unknown) => void;
}
