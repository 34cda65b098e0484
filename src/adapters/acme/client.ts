import type { Clock } from '../../kernel/clock.ts';
import type { AcmeExchange, AcmeRequest, AcmeResponse } from './exchange.ts';
import { signedBody, type AccountKey, type SignedAs } from './jws.ts';
import { AcmeProblem, AcmeUnreachable, problemFrom } from './problem.ts';

/** Kinds of challenges that are answered here. */
export type ChallengeKind = 'tls-alpn-01' | 'http-01' | 'dns-01';

/** A challenge of an authorization (RFC 8555 §7.1.5). */
export interface Challenge {
  readonly url: string;
  /** Only base64url characters: it becomes a part of paths. */
  readonly token: string;
  readonly status: string;
}

/** What a CA wants to see for one name (RFC 8555 §7.1.4). */
export interface Authorization {
  readonly url: string;
  /** The name without `*.`. */
  readonly name: string;
  readonly status: string;
  /** The challenge of the kind that was asked for; undefined where the CA does not offer it. */
  readonly challenge: Challenge | undefined;
  /** Why it became invalid. */
  readonly problem: AcmeProblem | undefined;
}

/** An order (RFC 8555 §7.1.3). */
export interface Order {
  readonly url: string;
  readonly status: string;
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate: string | undefined;
  readonly problem: AcmeProblem | undefined;
}

/** When a CA would like a certificate to be renewed (RFC 9773 §4.2). */
export interface RenewalWindow {
  readonly startMs: number;
  readonly endMs: number;
  /** When the CA wants to be asked again, milliseconds from now. */
  readonly askAgainMs: number;
}

/** A CA as one account sees it. Every call throws AcmeProblem or AcmeUnreachable. */
export interface AcmeClient {
  /** @param replaces the identifier of the certificate that this one follows (RFC 9773 §5) */
  newOrder(names: readonly string[], replaces: string | undefined): Promise<Order>;
  order(url: string): Promise<Order & { readonly waitMs: number }>;
  authorization(url: string, kind: ChallengeKind): Promise<Authorization & { readonly waitMs: number }>;
  /** Tells the CA that the challenge may be looked at. */
  respond(challenge: Challenge): Promise<void>;
  finalize(order: Order, csrDer: Uint8Array): Promise<void>;
  /** The chain as PEM. */
  download(url: string): Promise<string>;
  /** Undefined where the CA has no renewal information. */
  renewalWindow(certificateId: string): Promise<RenewalWindow | undefined>;
  /** How far this machine's clock is ahead of the CA's, milliseconds; undefined until an answer had a date. */
  clockAheadMs(): number | undefined;
}

/** What a client needs. */
export interface AcmeClientDeps {
  readonly directory: string;
  readonly email: string | undefined;
  readonly key: AccountKey;
  readonly exchange: AcmeExchange;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly renewalInfo: string | undefined;
}

/** A CA takes each nonce once, and may refuse one at any time (RFC 8555 §6.5). */
const MAX_NONCE_TRIES = 8;
const MIN_WAIT_MS = 500;
const MAX_WAIT_MS = 15_000;
/** Longest `Retry-After` that is believed: a CA's slip must not stop renewals for good. */
const MAX_RETRY_AFTER_MS = 8 * 86_400_000;

/** A client of RFC 8555 with one account, and of RFC 9773 for when to renew. */
export function createAcmeClient({ directory, email, key, exchange, clock, signal }: AcmeClientDeps): AcmeClient {
  let known: Promise<Directory> | undefined;
  let account: Promise<string> | undefined;
  let nonce: string | undefined;
  let aheadMs: number | undefined;

  async function ask(request: AcmeRequest): Promise<AcmeResponse> {
    const response = await exchange(request, signal);
    nonce = response.header('replay-nonce') ?? nonce;
    const date = Date.parse(response.header('date') ?? '');
    if (!Number.isNaN(date)) aheadMs = clock.nowMs() - date;
    return response;
  }

  /** Asks and judges the status; what is not a success is thrown. */
  async function must(request: AcmeRequest): Promise<AcmeResponse> {
    const response = await ask(request);
    if (response.status >= 200 && response.status < 300) return response;
    throw problemFrom(parsed(response.text), retryAfterMs(response, clock.nowMs()));
  }

  function places(): Promise<Directory> {
    known ??= must({ method: 'GET', url: directory })
      .then(({ text }) => {
        const { newNonce, newAccount, newOrder, renewalInfo } = recordOf(text);
        return {
          newNonce: urlOf(newNonce),
          newAccount: urlOf(newAccount),
          newOrder: urlOf(newOrder),
          renewalInfo: typeof renewalInfo === 'string' ? urlOf(renewalInfo) : undefined,
        };
      })
      .catch((error: unknown) => {
        known = undefined;
        throw error;
      });
    return known;
  }

  async function signed(url: string, as: SignedAs, payload: object | undefined): Promise<AcmeResponse> {
    for (let left = MAX_NONCE_TRIES; ; left--) {
      if (nonce === undefined) await must({ method: 'HEAD', url: (await places()).newNonce });
      const once = nonce;
      if (once === undefined) throw new AcmeUnreachable('the CA gives no nonce');
      nonce = undefined;
      try {
        return await must({ method: 'POST', url, body: signedBody(key, as, { url, nonce: once }, payload) });
      } catch (error) {
        // The refusal carries the next nonce (RFC 8555 §6.5).
        if (!(error instanceof AcmeProblem) || error.type !== 'badNonce' || left <= 1) throw error;
      }
    }
  }

  /** The account's URL: made where the CA does not know the key yet, which is the same request (RFC 8555 §7.3.1). */
  function kid(): Promise<string> {
    account ??= places()
      .then(({ newAccount }) =>
        signed(
          newAccount,
          { jwk: key.jwk },
          { termsOfServiceAgreed: true, ...(email === undefined ? {} : { contact: [`mailto:${email}`] }) },
        ),
      )
      .then((response) => urlOf(response.header('location')))
      .catch((error: unknown) => {
        account = undefined;
        throw error;
      });
    return account;
  }

  const post = async (url: string, payload: object | undefined): Promise<AcmeResponse> =>
    signed(url, { kid: await kid() }, payload);

  return {
    async newOrder(names, replaces) {
      const payload = {
        identifiers: names.map((value) => ({ type: 'dns', value })),
        ...(replaces === undefined ? {} : { replaces }),
      };
      const response = await post((await places()).newOrder, payload);
      return orderFrom(urlOf(response.header('location')), response.text);
    },
    async order(url) {
      const response = await post(url, undefined);
      return { ...orderFrom(url, response.text), waitMs: waitMs(response, clock.nowMs()) };
    },
    async authorization(url, kind) {
      const response = await post(url, undefined);
      return { ...authorizationFrom(url, response.text, kind), waitMs: waitMs(response, clock.nowMs()) };
    },
    async respond({ url }) {
      await post(url, {});
    },
    async finalize({ finalize }, csrDer) {
      await post(finalize, { csr: Buffer.from(csrDer).toString('base64url') });
    },
    download: async (url) => (await post(url, undefined)).text,
    async renewalWindow(certificateId) {
      const { renewalInfo } = await places();
      if (renewalInfo === undefined) return undefined;
      const response = await must({ method: 'GET', url: `${renewalInfo.replace(/\/$/, '')}/${certificateId}` });
      const window = recordOf(response.text)['suggestedWindow'];
      const { start, end } = isRecord(window) ? window : {};
      const [startMs, endMs] = [Date.parse(String(start)), Date.parse(String(end))];
      // RFC 9773 §4.2: an end before its start is as none.
      if (Number.isNaN(startMs) || Number.isNaN(endMs) || endMs < startMs) return undefined;
      return { startMs, endMs, askAgainMs: retryAfterMs(response, clock.nowMs()) ?? DEFAULT_ASK_AGAIN_MS };
    },
    clockAheadMs: () => aheadMs,
  };
}

const DEFAULT_ASK_AGAIN_MS = 6 * 3_600_000;

function orderFrom(url: string, text: string): Order {
  const { status, authorizations, finalize, certificate, error } = recordOf(text);
  if (!Array.isArray(authorizations) || authorizations.length > 100) throw malformed();
  return {
    url,
    status: String(status),
    authorizations: authorizations.map(urlOf),
    finalize: urlOf(finalize),
    certificate: certificate === undefined ? undefined : urlOf(certificate),
    problem: error === undefined ? undefined : problemFrom(error, undefined),
  };
}

function authorizationFrom(url: string, text: string, kind: ChallengeKind): Authorization {
  const { status, identifier, challenges } = recordOf(text);
  if (!isRecord(identifier) || !Array.isArray(challenges)) throw malformed();
  const all = challenges.filter(isRecord);
  const failed = all.find((one) => one['error'] !== undefined)?.['error'];
  const asked = all.find(({ type }) => type === kind);
  return {
    url,
    name: String(identifier['value']),
    status: String(status),
    challenge: asked === undefined ? undefined : challengeFrom(asked),
    problem: failed === undefined ? undefined : problemFrom(failed, undefined),
  };
}

function challengeFrom({ url, token, status }: Readonly<Record<string, unknown>>): Challenge {
  // RFC 8555 §8.3: anything else could lead a path or a header elsewhere.
  if (typeof token !== 'string' || !/^[A-Za-z0-9_-]{16,256}$/.test(token)) throw malformed();
  return { url: urlOf(url), token, status: String(status) };
}

/** `Retry-After` in milliseconds from now (RFC 9110 §10.2.3: seconds or a date). */
function retryAfterMs(response: AcmeResponse, nowMs: number): number | undefined {
  const text = response.header('retry-after');
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

/** How long to wait before the same is asked again. */
function waitMs(response: AcmeResponse, nowMs: number): number {
  return Math.min(Math.max(retryAfterMs(response, nowMs) ?? 1_000, MIN_WAIT_MS), MAX_WAIT_MS);
}

function recordOf(text: string): Readonly<Record<string, unknown>> {
  const value = parsed(text);
  if (!isRecord(value)) throw malformed();
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function urlOf(value: unknown): string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url?.protocol !== 'https:') throw malformed();
  return url.href;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const malformed = (): AcmeUnreachable =>
  new AcmeUnreachable('the CA answered what RFC 8555 does not know: is listen.tls.acme.directory an ACME directory?');
