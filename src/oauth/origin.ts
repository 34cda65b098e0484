import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { CertificateName } from '../kernel/transport.ts';

/** What the data plane tells of a request that it hands over; a caller can never say it. */
export interface OAuthOrigin {
  readonly requestId: string;
  /** Address of the caller, and what is counted per address. */
  readonly address: string;
  readonly network: string;
  /** The client certificate of the connection. */
  readonly certificate: OAuthCertificate | undefined;
}

/** A certificate that the client CA of the listener has signed. */
export interface OAuthCertificate {
  readonly pem: string;
  readonly names: readonly CertificateName[];
}

/** The header in which it comes. The public reader drops names with an underscore, so no caller can send it. */
export const ORIGIN_HEADER = 'sallyport_origin';

/** The header by which several cookies come back in one, as a JSON list. */
export const COOKIES_HEADER = 'sallyport-cookies';

const known = new WeakMap<IncomingMessage, OAuthOrigin>();

/** The origin of a request, once its entry has noted it. */
export const originOf = (request: IncomingMessage): OAuthOrigin | undefined => known.get(request);

/** Reads the origin out of a request's headers and takes it out of them; undefined where there is none. */
export function noteOrigin(request: IncomingMessage): OAuthOrigin | undefined {
  const text = request.headers[ORIGIN_HEADER];
  delete request.headers[ORIGIN_HEADER];
  if (typeof text !== 'string') return undefined;
  const origin = JSON.parse(Buffer.from(text, 'base64url').toString()) as OAuthOrigin;
  known.set(request, origin);
  return origin;
}

const current = new AsyncLocalStorage<OAuthOrigin>();

/** Answers a request: what is told meanwhile is told of its origin. */
export const withOrigin = <Result>(origin: OAuthOrigin, work: () => Result): Result => current.run(origin, work);

/** The origin of the request that is being answered; undefined where none is. */
export const currentOrigin = (): OAuthOrigin | undefined => current.getStore();

/** An origin as its header's value. */
export const originText = (origin: OAuthOrigin): string => Buffer.from(JSON.stringify(origin)).toString('base64url');
