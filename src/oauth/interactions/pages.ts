import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { StoreUnavailable } from '../../directory/store.ts';
import { createGuessLimit } from './device.ts';
import { isFromOwnPage, pageExchange, type PageExchange } from './exchange.ts';
import { createInteractionPages, type InteractionDeps } from './interaction.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { LocalCounters } from '../../limits/counters.ts';

/** Where the entered code of a device comes from when it stands in the link (RFC 8628 §3.3.1). */
const prefilled = new WeakMap<IncomingMessage, string>();

/** The code that the link of a request has brought; it is shown in the field, and the person has to go on from there. */
export const prefilledCodeOf = (request: IncomingMessage): string | undefined => prefilled.get(request);

/** Answers pages; false where the path is none. */
export type Pages = (request: IncomingMessage, response: ServerResponse, provider: Provider) => Promise<boolean>;

/** Sign-in, consent, device and account pages. */
export function createPages(
  deps: InteractionDeps & {
    readonly counters: LocalCounters;
    readonly clock: Clock;
    readonly account: (x: PageExchange, provider: Provider) => Promise<void>;
  },
): Pages {
  const interaction = createInteractionPages(deps);
  const mayGuess = createGuessLimit(deps.counters, deps.clock);

  return async (request, response, provider) => {
    const x = pageExchange(request, response, deps.publicUrl);
    try {
      return await answer(x, provider);
    } catch (error) {
      deps.log.info('page_fault', { name: error instanceof Error ? error.name : typeof error, requestId: x.requestId });
      if (response.headersSent) throw error;
      const isStore = error instanceof StoreUnavailable;
      x.fail(isStore ? 503 : 500, 'Something is wrong with this gateway. Try again in a minute.');
      return true;
    }
  };

  async function answer(x: PageExchange, provider: Provider): Promise<boolean> {
    const [, uid, tag] = /^\/oauth\/interaction\/([A-Za-z0-9_-]{1,64})(?:\/([A-Za-z0-9_-]{1,64}))?$/.exec(x.path) ?? [];
    if (uid !== undefined) {
      await interaction(x, provider, uid, tag ?? '');
      return true;
    }
    if (/^\/account(\/|$)/.test(x.path)) {
      await deps.account(x, provider);
      return true;
    }
    return x.path === '/device' ? device(x) : false;
  }

  /** What comes before the library's own pages of the device grant. */
  async function device(x: PageExchange): Promise<boolean> {
    if (x.method === 'GET') {
      const code = x.query.get('user_code');
      if (code !== null) {
        prefilled.set(x.request, code.slice(0, 32));
        x.request.url = x.path;
      }
      return false;
    }
    if (!isFromOwnPage(x.request, deps.publicUrl)) {
      deps.log.security('form_from_elsewhere', { path: 'device', requestId: x.requestId });
      x.fail(403, 'This form was not sent by a page of this gateway.');
      return true;
    }
    if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(x.request.headers['content-type'] ?? '')) {
      // The library's page would fail at it, as at a fault of ours.
      x.fail(415, 'Send the form of this page.');
      return true;
    }
    const form = await x.form();
    const userCode = form.get('user_code');
    if (userCode !== null && !(await mayGuess(x, userCode))) {
      deps.log.security('user_code_guessing', { network: x.network, requestId: x.requestId });
      x.fail(429, 'Too many codes were tried. Wait a minute and try again.', 60);
      return true;
    }
    return false;
  }
}
