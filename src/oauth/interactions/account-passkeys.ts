import { LRUCache } from 'lru-cache';
import type { Accounts } from '../accounts.ts';
import type { OAuthLog } from '../log.ts';
import type { Passkeys } from '../passkeys.ts';
import type { PageExchange } from './exchange.ts';
import type { Me } from './me.ts';

/** What came of an action: something to say, recovery codes to show once, or nothing. */
export type PasskeyOutcome = { readonly error: string } | { readonly codes: readonly string[] } | undefined;

/** Adding and removing passkeys on the account page, once whoever asks has shown that they are the person. */
export interface AccountPasskeys {
  /** The browser of this session may now make one. */
  begin(me: Me, name: string): void;
  /** What the browser is asked with, JSON; undefined where none was begun. */
  begun(me: Me): string | undefined;
  cancel(me: Me): void;
  add(x: PageExchange, me: Me, text: string): Promise<PasskeyOutcome>;
  remove(x: PageExchange, me: Me, id: string): Promise<PasskeyOutcome>;
}

const KEPT_MS = 10 * 60_000;
const MAX_NAME = 64;

/** What a passkey is called where its person gives it no name. */
export const passkeyName = (text: string): string =>
  text.replace(/\p{C}/gu, ' ').trim().slice(0, MAX_NAME).trim() || 'Passkey';

/** Passkeys on the account page. */
export function createAccountPasskeys(deps: {
  readonly passkeys: Passkeys;
  readonly accounts: Accounts;
  readonly log: OAuthLog;
}): AccountPasskeys {
  const { passkeys, accounts, log } = deps;
  /** Names of the passkeys that are being made, by session. */
  const names = new LRUCache<string, string>({ max: 1_000, ttl: KEPT_MS });
  const boundTo = ({ sessionUid }: Me): string => `add ${sessionUid}`;

  return {
    begin: (me, name) => void names.set(me.sessionUid, passkeyName(name)),
    begun: (me) =>
      names.has(me.sessionUid) ? passkeys.creationOptions(boundTo(me), me, me.secrets.passkeys) : undefined,
    cancel: (me) => void names.delete(me.sessionUid),
    async add(x, me, text) {
      const name = names.get(me.sessionUid);
      if (name === undefined) return { error: 'This took too long. Begin again.' };
      const made = await passkeys.register(boundTo(me), text, name);
      if (typeof made === 'string') {
        log.info('passkey_refused', { why: made, user: me.id, requestId: x.requestId });
        return { error: 'This passkey was not accepted. Try it again.' };
      }
      names.delete(me.sessionUid);
      const codes = await accounts.addPasskey(me.id, made);
      if (codes === undefined)
        return { error: 'This passkey is there already, or there are too many: remove one first.' };
      log.info('passkey_added', { user: me.id, requestId: x.requestId });
      return codes.length === 0 ? undefined : { codes };
    },
    async remove(x, me, id) {
      if (!(await accounts.removePasskey(me.id, id))) {
        return {
          error: 'This is all that signs you in: set a password, or add another passkey, before you remove it.',
        };
      }
      log.info('passkey_removed', { user: me.id, requestId: x.requestId });
      return undefined;
    },
  };
}
