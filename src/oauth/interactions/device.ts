import { LRUCache } from 'lru-cache';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../../kernel/clock.ts';
import type { LocalCounters } from '../../limits/counters.ts';
import { ratePerMinute } from '../../limits/gcra.ts';
import type { ClientRecord } from '../../directory/records.ts';
import { isScope } from '../../kernel/scope.ts';
import type { PageExchange } from './exchange.ts';
import { html, page, pagePolicy, type Html } from './html.ts';
import { scopeText } from './scope-text.ts';

/** The pages of the device grant, as the library calls them (RFC 8628 §3.3). */
export interface DevicePages {
  /** Asks for the code. @param error what was wrong with the one before */
  input(ctx: KoaContextWithOIDC, prefilled: string | undefined, error: string | undefined): void;
  /** Shows who asks, and has the code compared. */
  confirm(
    ctx: KoaContextWithOIDC,
    client: ClientRecord | undefined,
    device: { readonly address: string; readonly agent: string },
    userCode: string,
    scope: string,
  ): void;
  success(ctx: KoaContextWithOIDC): void;
}

/** Makes the pages. @param site the gateway's own address */
export function createDevicePages(site: string): DevicePages {
  function show(ctx: KoaContextWithOIDC, title: string, body: Html, error?: string): void {
    ctx.type = 'html';
    ctx.set('content-security-policy', pagePolicy());
    ctx.set('x-frame-options', 'DENY');
    ctx.body = page({ title, site, body, error });
  }
  const secretOf = ({ oidc }: KoaContextWithOIDC): string =>
    (oidc.session as { state?: { secret?: string } } | undefined)?.state?.secret ?? '';

  return {
    input(ctx, prefilled, error) {
      const body = html`<p>
          Enter the code that your device shows. If you have not started this yourself on a device of yours, close this
          page: somebody may be trying to act in your name.
        </p>
        <form method="post" action="/device">
          <input type="hidden" name="xsrf" value="${secretOf(ctx)}" />
          <label for="user_code">Code</label>
          <input
            id="user_code"
            name="user_code"
            class="code"
            value="${prefilled}"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck="false"
            maxlength="32"
            required
            autofocus
          />
          <p class="choice"><button>Continue</button></p>
        </form>`;
      show(ctx, 'Connect a device', body, error);
    },
    confirm(ctx, client, { address, agent }, userCode, scope) {
      const scopes = scope.split(' ').filter(isScope);
      const body = html`<p>
          Compare: your device must show exactly this code. If it shows another one, or none, decline.
        </p>
        <p class="code">${userCode}</p>
        <dl>
          <dt>Application</dt>
          <dd>${client?.name} (the name is not verified)</dd>
          <dt>Address of the device</dt>
          <dd>${address}</dd>
          <dt>What it says of itself</dt>
          <dd>${agent === '' ? 'nothing' : agent.slice(0, 200)}</dd>
          <dt>It asks to</dt>
          <dd>
            <ul>
              ${scopes.map((one) => html`<li>${scopeText(one)} (<code>${one}</code>)</li>`)}
            </ul>
          </dd>
        </dl>
        <form method="post" action="/device">
          <input type="hidden" name="xsrf" value="${secretOf(ctx)}" />
          <input type="hidden" name="user_code" value="${userCode}" />
          <p class="choice">
            <button name="confirm" value="yes">The codes are the same</button>
            <button name="abort" value="yes">Decline</button>
          </p>
        </form>`;
      show(ctx, 'Is this your device?', body);
    },
    success(ctx) {
      show(ctx, 'Your device is connected', html`<p>You can close this page and go on at your device.</p>`);
    },
  };
}

/** Guesses of user codes in a minute: of one browser, of one address, and of everybody together (RFC 8628 §5.1). */
const GUESSES = { session: 6, network: 12, all: 300 } as const;

/**
 * Lets a code be tried, or says no: 20^8 codes at this pace are out of reach. Right ones count too, so no try is free; the
 * same one again, as when it is confirmed, tells nobody anything.
 */
export function createGuessLimit(
  counters: LocalCounters,
  clock: Clock,
): (x: PageExchange, userCode: string) => Promise<boolean> {
  const tried = new LRUCache<string, true>({ max: 10_000 });
  return async ({ network, request }, userCode) => {
    const session = /__Host-sallyport=([^;]{1,64})/.exec(request.headers.cookie ?? '')?.[1] ?? 'none';
    const guess = `${session} ${userCode.slice(0, 32)}`;
    if (tried.has(guess)) return true;
    const asks = [
      ['session', `user-codes:session ${session}`],
      ['network', `user-codes:${network}`],
      ['all', 'user-codes:all'],
    ] as const;
    const spent = counters.spend(
      asks.map(([kind, name]) => ({
        kind: 'rate',
        name: kind,
        counter: counters.keyOf(name),
        rate: ratePerMinute(GUESSES[kind]),
      })),
      clock.monotonicMs(),
    );
    if (spent.kind !== 'spent') return false;
    tried.set(guess, true);
    return true;
  };
}
