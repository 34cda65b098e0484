import type { Accounts } from '../accounts.ts';
import type { SignInPace } from '../sign-in-pace.ts';
import { ACR } from '../strength.ts';
import type { CheckPasskey } from './check-passkey.ts';
import type { PageExchange } from './exchange.ts';
import type { Me } from './me.ts';

/** Undefined where whoever sits there is the person; else what to say, or the seconds to wait where it was tried too often. */
export type OwnProof = (x: PageExchange, me: Me, form: URLSearchParams) => Promise<string | number | undefined>;

/** For what the challenge of such a passkey is. */
export const ownProofOf = ({ sessionUid }: Pick<Me, 'sessionUid'>): string => `own ${sessionUid}`;

/**
 * Asks for the password, or a passkey of their own, before anything that signs in is changed: a browser that was left open
 * must not lose the account. Who has a second factor and came without it cannot change it by the password alone: that
 * would go around it.
 */
export function createOwnProof(deps: {
  readonly accounts: Accounts;
  readonly pace: SignInPace;
  readonly checkPasskey: CheckPasskey | undefined;
}): OwnProof {
  const { accounts, pace, checkPasskey } = deps;

  async function isShown(x: PageExchange, me: Me, form: URLSearchParams): Promise<boolean> {
    const passkey = form.get('passkey') ?? '';
    if (passkey !== '') return (await checkPasskey?.(x, ownProofOf(me), passkey))?.userId === me.id;
    return (await accounts.checkPassword(me.name, form.get('password') ?? ''))?.id === me.id;
  }

  return async (x, me, form) => {
    const hasPasskey = (form.get('passkey') ?? '') !== '';
    if (!hasPasskey && me.hasSecondFactor && me.strength.acr !== ACR.mfa) {
      return 'Sign out, and sign in again with your second factor: it is asked for before this can be changed.';
    }
    const paced = `own ${me.id}`;
    const waitS = pace.begin(paced, x.network);
    if (waitS !== undefined) return waitS;
    if (!(await isShown(x, me, form)))
      return hasPasskey ? 'This passkey was not accepted.' : 'The password is not right.';
    pace.succeeded(paced, x.network);
    return undefined;
  };
}
