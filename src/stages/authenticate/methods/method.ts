import type { Peer, Principal } from '../../../kernel/exchange.ts';
import type { Denial } from '../../../kernel/reasons.ts';
import type { ClientCertificate } from '../../../kernel/transport.ts';
import type { CredentialScheme } from '../../../wire/bearer.ts';

/** A credential with what a method may ask about the request that carries it. */
export interface Shown {
  readonly value: string;
  readonly scheme: CredentialScheme;
  /** The `DPoP` header. */
  readonly proof: string | undefined;
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly peer: Peer;
  readonly certificate: ClientCertificate | undefined;
}

/**
 * One way to authenticate: the principal of a credential, a denial, or undefined where the credential is not of this
 * method's form. A promise only where it must wait for others.
 */
export type Method = (shown: Shown) => Found | Promise<Found>;

/** What a method found. */
export type Found = Principal | Denial | undefined;

/** Whether what was found is a refusal. */
export const isDenial = (found: Principal | Denial): found is Denial => 'code' in found;
