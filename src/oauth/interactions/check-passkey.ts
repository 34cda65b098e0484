import type { Accounts } from '../accounts.ts';
import type { OAuthLog } from '../log.ts';
import type { Passkeys } from '../passkeys.ts';
import type { PageExchange } from './exchange.ts';

/** Somebody who has shown a passkey of theirs, and used it up for this time. */
export interface CheckedPasskey {
  readonly userId: string;
  readonly isSynced: boolean;
}

/** Whose passkey a form has brought; undefined for whatever is wrong with it, which is said to the log alone. */
export type CheckPasskey = (x: PageExchange, bound: string, text: string) => Promise<CheckedPasskey | undefined>;

/** Judges passkeys by what is kept of their people. */
export function createCheckPasskey(deps: {
  readonly passkeys: Passkeys;
  readonly accounts: Accounts;
  readonly log: OAuthLog;
}): CheckPasskey {
  const { accounts, log } = deps;

  return async ({ requestId }, bound, text) => {
    const shown = await deps.passkeys.show(bound, text, async (userId, passkeyId) =>
      (await accounts.open(userId))?.secrets.passkeys.find(({ id }) => id === passkeyId),
    );
    if (typeof shown === 'string') {
      log.info('passkey_refused', { why: shown, requestId });
      return undefined;
    }
    const { userId, passkey, counter } = shown;
    switch (await accounts.usePasskey(userId, passkey.id, counter)) {
      case 'used':
        return { userId, isSynced: passkey.isSynced };
      case 'backwards':
        // WebAuthn §6.1.1: two devices count with one key, so one of them is a copy.
        log.security('passkey_counter_backwards', { user: userId, requestId });
        return undefined;
      case 'gone':
        log.info('passkey_refused', { why: 'gone', requestId });
        return undefined;
    }
  };
}
