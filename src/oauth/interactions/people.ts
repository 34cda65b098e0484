import type { TokenUse } from '../../directory/token-uses.ts';
import type { Access } from '../access.ts';
import { createAccounts, type AccountsDeps } from '../accounts.ts';
import type { LocalCounters } from '../../limits/counters.ts';
import { createFederation } from '../federation/federation.ts';
import type { FederationOptions, ProviderFetch } from '../federation/openid-provider.ts';
import { canHavePasskeys, createPasskeys } from '../passkeys.ts';
import { createSignInPace } from '../sign-in-pace.ts';
import { createAccountPages } from './account.ts';
import { createCheckPasskey } from './check-passkey.ts';
import type { InteractionDeps } from './interaction.ts';
import { createPages, type Pages } from './pages.ts';
import { createSignIn } from './sign-in.ts';

/** What the pages for people work with. */
export interface PeopleDeps extends AccountsDeps, Omit<InteractionDeps, 'signIn'> {
  readonly access: Access;
  readonly counters: LocalCounters;
  readonly failuresPerMinute: number | 'none';
  /** The company's identity provider, and how it is asked. */
  readonly federation: { readonly options: () => FederationOptions | undefined; readonly fetch: ProviderFetch };
  readonly tokenUses: () => readonly TokenUse[];
  readonly revoke: (mark: string, untilMs: number | undefined) => Promise<void>;
}

/** All pages for people, over the directory and the store. */
export function createPeoplePages(deps: PeopleDeps): Pages {
  const accounts = createAccounts(deps);
  const pace = createSignInPace(deps.clock);
  const passkeys = canHavePasskeys(deps.publicUrl) ? createPasskeys(deps) : undefined;
  const checkPasskey = passkeys === undefined ? undefined : createCheckPasskey({ ...deps, accounts, passkeys });
  const federation = createFederation({
    ...deps,
    endAccess: (userId) => deps.access.endAll(userId),
    ...deps.federation,
  });
  const signIn = createSignIn({ ...deps, accounts, passkeys, checkPasskey, federation, pace });
  const account = createAccountPages({ ...deps, accounts, passkeys, checkPasskey, signIn, pace });
  return createPages({ ...deps, signIn, account });
}
