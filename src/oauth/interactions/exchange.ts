import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { formOf } from '../form.ts';
import { COOKIES_HEADER, originOf } from '../origin.ts';
import { errorPage, page, pagePolicy, type PageFrame, type PageScript } from './html.ts';

/** One request for a page, and its answer. */
export interface PageExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query: URLSearchParams;
  readonly requestId: string;
  readonly address: string;
  readonly network: string;
  form(): Promise<URLSearchParams>;
  /** Shows a page. @param redirectUri where its form's answer may lead to */
  show(
    frame: Omit<PageFrame, 'site'>,
    more?: { readonly status?: number; readonly redirectUri?: string | undefined },
  ): void;
  /** Sends the browser on with 303, so that no form is sent again (RFC 9700 §4.12). */
  goTo(location: string): void;
  fail(status: number, message: string, retryAfterS?: number): void;
}

/** Makes the exchange of a request. @param site the gateway's own address */
export function pageExchange(request: IncomingMessage, response: ServerResponse, site: string): PageExchange {
  const url = new URL(request.url ?? '/', site);
  const { requestId = '', address = '', network = '' } = originOf(request) ?? {};

  function send(status: number, headers: Record<string, string>, body: string): void {
    // Several cookies come back in one header: see the worker's side.
    const cookies = response.getHeader('set-cookie');
    response.removeHeader('set-cookie');
    if (cookies !== undefined) response.setHeader(COOKIES_HEADER, JSON.stringify([cookies].flat()));
    response.writeHead(status, headers).end(body);
  }
  const pageHeaders = (redirectUri?: string, script?: PageScript) => ({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': pagePolicy(redirectUri, script),
    'x-frame-options': 'DENY',
  });

  return {
    request,
    response,
    method: request.method === 'POST' ? 'POST' : 'GET',
    path: url.pathname,
    query: url.searchParams,
    requestId,
    address,
    network,
    form: () => formOf(request),
    show: (frame, { status = 200, redirectUri } = {}) =>
      send(status, pageHeaders(redirectUri, frame.script), page({ ...frame, site })),
    goTo: (location) => send(303, { location }, ''),
    fail: (status, message, retryAfterS) =>
      send(
        status,
        { ...pageHeaders(), ...(retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }) },
        errorPage(site, message, requestId),
      ),
  };
}

/**
 * Whether a form comes from a page of ours, as far as the browser tells: a page of somebody else could send one with our
 * cookies (CSRF). `Origin` is `null` for pages that send no referrer, as ours (Fetch §3.2).
 */
export function isFromOwnPage({ headers }: IncomingMessage, site: string): boolean {
  const fetchSite = headers['sec-fetch-site'];
  if (fetchSite !== undefined && fetchSite !== 'same-origin') return false;
  const { origin } = headers;
  return origin === undefined || origin === 'null' || origin === new URL(site).origin;
}

/** Compares what a form holds with what it must hold, in constant time. */
export function isSameText(a: string | null, b: string): boolean {
  const [left, right] = [Buffer.from(a ?? ''), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
