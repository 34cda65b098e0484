import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { hasSecondFactor, type UserSecrets } from '../../directory/users.ts';
import type { Accounts } from '../accounts.ts';
import type { Digest } from '../digest.ts';
import { ACR, STRENGTHS, type Strength } from '../strength.ts';

/** Somebody who is signed in in this browser. */
export interface Me {
  readonly id: string;
  readonly name: string;
  readonly secrets: UserSecrets;
  readonly hasSecondFactor: boolean;
  /** Hash of the session's id. */
  readonly sessionId: string;
  /** Names the session in memory. */
  readonly sessionUid: string;
  readonly strength: Strength;
  /** When they signed in, in seconds since the epoch. */
  readonly authenticatedAtS: number | undefined;
}

/** Who is signed in in the browser of a request. */
export async function whoIs(
  ctx: KoaContextWithOIDC,
  provider: Provider,
  { accounts, digest }: { readonly accounts: Accounts; readonly digest: Digest },
): Promise<Me | undefined> {
  const session = await provider.Session.get(ctx);
  if (session.accountId === undefined) return undefined;
  const opened = await accounts.open(session.accountId);
  if (opened === undefined) return undefined;
  const { user, secrets } = opened;
  return {
    id: user.id,
    name: secrets.name,
    secrets,
    hasSecondFactor: hasSecondFactor(secrets),
    sessionId: digest('Session', session.jti),
    sessionUid: session.uid,
    authenticatedAtS: session.loginTs,
    strength: session.acr === ACR.mfa ? { acr: ACR.mfa, amr: session.amr ?? STRENGTHS.mfa.amr } : STRENGTHS.password,
  };
}
