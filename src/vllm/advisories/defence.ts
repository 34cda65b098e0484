import type { JsonObject } from '../../kernel/json.ts';
import type { ReasonCode } from '../../kernel/reasons.ts';
import type { ReleaseRange } from '../release.ts';

/**
 * Which part of the product stops an attack: a virtual patch · a row of the field policy · the closed catalogue of
 * routes · the strict JSON parser · the reader of request heads, and the head to upstream, which is made from scratch ·
 * the gateway's own credentials · the renderer of upstream's refusals · the tenant's own `cache_salt` · the checks of
 * media, of schemas, of counts, of control tokens and of uploads.
 */
export type DefenceKind =
  | 'patch'
  | 'field'
  | 'route'
  | 'json'
  | 'head'
  | 'authentication'
  | 'answer'
  | 'salt'
  | 'media'
  | 'schema'
  | 'caps'
  | 'control-tokens'
  | 'upload';

/** A request that is sent to the gateway. Without an `authorization` header it carries a valid API key. */
export interface TrialRequest {
  readonly method: string;
  readonly path: string;
  /** Lower case; in place of those that a client would send. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: JsonObject;
  /** Sent as it stands, where JSON cannot say it. */
  readonly rawBody?: string;
}

/** What must come of an attack. */
export type Verdict =
  /** Nothing reaches upstream. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly code: ReasonCode | 'advisory_blocked' | 'prompt_denied';
      /** `error.param`, where the claim is about the field. */
      readonly param?: string;
    }
  /** It is answered, but what makes it an attack does not reach upstream. */
  | {
      readonly kind: 'disarmed';
      /** Texts that neither head nor body to upstream may hold. */
      readonly upstreamLacks: readonly string[];
      /** Members that the body to upstream must have. */
      readonly upstreamHas?: readonly string[];
    }
  /** Upstream answers so, and the caller gets a refusal without the text. */
  | {
      readonly kind: 'reworded';
      readonly upstreamAnswers: { readonly status: number; readonly body: JsonObject };
      readonly status: number;
      readonly code: ReasonCode;
      readonly callerLacks: readonly string[];
    };

/** How the product stops one advisory, proved by an attack and its benign twin. */
export interface Defence {
  /** Id of the advisory. */
  readonly advisory: string;
  readonly by: DefenceKind;
  /** Id of the patch or route, name of the field, or what the part calls it. */
  readonly name: string;
  /** The attack, for an unknown release with the default configuration. */
  readonly request: TrialRequest;
  readonly verdict: Verdict;
  /** The same wish without the attack: it must reach upstream. */
  readonly twin: TrialRequest;
  /** What comes of the attack until the part that `by` names, or its route, is built. */
  readonly until?: Verdict;
  /** The twin is refused until the part is built, too. */
  readonly twinWaits?: true;
  /** Releases on which the defence works; absent: all. */
  readonly releases?: ReleaseRange;
  /** `upstreams[].features` that the attack needs. */
  readonly features?: readonly string[];
}
