import type { RequestRecord, TokenRecord } from '../kernel/record.ts';
import type { Meeting } from './familiar.ts';
import type { NetworkEntry } from './networks.ts';
import type { Profile } from './profile.ts';

/** A request of a proven credential, and what its profile says of it. */
export interface CredentialSeen {
  readonly record: RequestRecord;
  readonly profile: Profile;
  /** Steady time. */
  readonly nowS: number;
  /** Hour of the week as told. */
  readonly hour: number;
  readonly wideNetwork: string;
  readonly networkHash: number;
  readonly network: Meeting;
  /** Undefined where the request named none. */
  readonly agent: Meeting;
  readonly model: Meeting | undefined;
  readonly route: Meeting | undefined;
  /** Since the last request from another, familiar network. */
  readonly sinceOtherNetworkS: number;
  /** New networks that are usual on a day of use. */
  readonly restlessness: number;
  /** The network is familiar from other callers of the tenant. */
  readonly isNetworkOfTenant: boolean;
}

/** A tenant or a client after another of its requests. */
export interface GroupSeen {
  readonly profile: Profile;
  readonly nowS: number;
  readonly hour: number;
}

/** An address that showed something nobody knows. */
export interface NetworkSeen {
  readonly entry: NetworkEntry;
  readonly nowS: number;
}

/** What all addresses together have shown. */
export interface HouseSeen {
  readonly profile: Profile;
  readonly nowS: number;
}

/** Something that happened to a token of our own server. */
export interface TokenSeen {
  readonly record: TokenRecord;
}
