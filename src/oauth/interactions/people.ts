import type { Access } from '../access.ts';
import { createAccounts, type AccountsDeps } from '../accounts.ts';
import type { Counters } from '../../limits/counters.ts';
import { createSignInPace } from '../sign-in-pace.ts';
import { createAccountPages } from './account.ts';
import type { InteractionDeps } from './interaction.ts';
import { createPages, type Pages } from './pages.ts';
import { createSignIn } from './sign-in.ts';

/** What the pages for people work with. */
export interface PeopleDeps extends AccountsDeps, Omit<InteractionDeps, 'signIn'> {
  readonly access: Access;
  readonly counters: Counters;
  readonly failuresPerMinute: number | 'none';
  readonly revoke: (mark: string, untilMs: number | undefined) => Promise<void>;
}

/** All pages for people, over the directory and the store. */
export function createPeoplePages(deps: PeopleDeps): Pages {
  const accounts = createAccounts(deps);
  const pace = createSignInPace(deps.clock);
  const signIn = createSignIn({ ...deps, accounts, pace });
  const account = createAccountPages({ ...deps, accounts, signIn, pace });
  return createPages({ ...deps, signIn, account });
}
