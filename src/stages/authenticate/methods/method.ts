import type { Peer, Principal } from '../../../kernel/exchange.ts';
import type { Denial } from '../../../kernel/reasons.ts';

/**
 * One way to authenticate: the principal of a credential, a denial, or undefined where the credential is not
 * of this method's form.
 */
export type Method = (credential: string, peer: Peer) => Principal | Denial | undefined;
