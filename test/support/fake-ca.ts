import '../../src/adapters/tls/reflect-metadata.ts'; // before the next line, which asks for it while it loads
import * as x509 from '@peculiar/x509';
import { createPublicKey, randomBytes, verify, webcrypto } from 'node:crypto';
import type { AcmeExchange, AcmeRequest, AcmeResponse } from '../../src/adapters/acme/exchange.ts';
import type { ChallengeAnswer } from '../../src/adapters/acme/challenges/solver.ts';
import { thumbprint, type AccountJwk } from '../../src/adapters/acme/jws.ts';

/** A CA in memory that speaks RFC 8555 as far as a client sees it, and checks every signature. */
export interface FakeCa {
  readonly directory: string;
  readonly exchange: AcmeExchange;
  /** Method and path of every request. */
  readonly asked: string[];
  /** Payloads of the orders. */
  readonly orders: { readonly identifiers: readonly { readonly value: string }[]; readonly replaces?: string }[];
  /** What each new certificate lasts. */
  lifeMs: number;
  /** Nonces that are refused before one is taken. */
  badNonces: number;
  /** Answers a request in place of what it would; undefined lets it be. */
  fault: (path: string) => Partial<{ status: number; type: string; detail: string; retryAfter: string }> | undefined;
  /** Why challenges fail; undefined: they do as the answers that are presented say. */
  challengeFault: { readonly type: string; readonly detail: string } | undefined;
  /** Renewal information (RFC 9773): a window in milliseconds since the epoch. */
  window: { readonly startMs: number; readonly endMs: number } | undefined;
  /** The date that it says in its answers. */
  date: () => Date;
  /** What it can see of the challenges; set by a test's solver. */
  seen: readonly ChallengeAnswer[];
}

const URL_START = 'https://ca.test';

/** Starts it with an issuer of its own. */
export async function createFakeCa(nowMs: () => number): Promise<FakeCa> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const nonces = new Set<string>();
  const accounts = new Map<string, AccountJwk>();
  const authorizations = new Map<string, { name: string; token: string; status: string; error?: object }>();
  const orders = new Map<
    string,
    { names: string[]; authorizations: string[]; status: string; certificate?: string; account: string }
  >();
  const certificates = new Map<string, string>();
  let count = 0;

  const ca: FakeCa = {
    directory: `${URL_START}/dir`,
    asked: [],
    orders: [],
    lifeMs: 90 * 86_400_000,
    badNonces: 0,
    fault: () => undefined,
    challengeFault: undefined,
    window: undefined,
    date: () => new Date(nowMs()),
    seen: [],
    exchange: async (request) => {
      const path = request.url.slice(URL_START.length);
      ca.asked.push(`${request.method} ${path}`);
      const fault = ca.fault(path);
      if (fault !== undefined)
        return problem(fault.status ?? 400, fault.type ?? 'malformed', fault.detail ?? '', fault);
      return answer(request, path);
    },
  };

  function response(status: number, body: unknown, headers: Record<string, string> = {}): AcmeResponse {
    const nonce = randomBytes(8).toString('base64url');
    nonces.add(nonce);
    const all: Record<string, string> = { 'replay-nonce': nonce, date: ca.date().toUTCString(), ...headers };
    return {
      status,
      header: (name) => all[name],
      text: typeof body === 'string' ? body : JSON.stringify(body),
    };
  }

  const problem = (status: number, type: string, detail: string, more: { retryAfter?: string } = {}): AcmeResponse =>
    response(
      status,
      { type: `urn:ietf:params:acme:error:${type}`, detail },
      more.retryAfter === undefined ? {} : { 'retry-after': more.retryAfter },
    );

  async function answer(request: AcmeRequest, path: string): Promise<AcmeResponse> {
    if (path === '/dir') {
      const place = (name: string) => `${URL_START}/${name}`;
      return response(200, {
        newNonce: place('nonce'),
        newAccount: place('account'),
        newOrder: place('order'),
        ...(ca.window === undefined ? {} : { renewalInfo: place('ari') }),
      });
    }
    if (path === '/nonce') return response(200, '');
    if (path.startsWith('/ari/') && ca.window !== undefined) {
      const { startMs, endMs } = ca.window;
      const suggestedWindow = { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString() };
      return response(200, { suggestedWindow }, { 'retry-after': '3600' });
    }
    if (request.method !== 'POST' || request.body === undefined) return problem(405, 'malformed', 'POST it');
    const said = JSON.parse(request.body) as { protected: string; payload: string; signature: string };
    const head = JSON.parse(Buffer.from(said.protected, 'base64url').toString()) as {
      alg: string;
      nonce: string;
      url: string;
      jwk?: AccountJwk;
      kid?: string;
    };
    if (head.url !== request.url || head.alg !== 'ES256') return problem(401, 'unauthorized', 'url');
    if ((head.jwk === undefined) === (head.kid === undefined)) return problem(400, 'malformed', 'jwk or kid');
    if (!nonces.delete(head.nonce) || ca.badNonces > 0) {
      ca.badNonces--;
      return problem(400, 'badNonce', 'another one');
    }
    const jwk = head.jwk ?? accounts.get(head.kid ?? '');
    if (jwk === undefined) return problem(400, 'accountDoesNotExist', 'who');
    const isRight = verify(
      'sha256',
      Buffer.from(`${said.protected}.${said.payload}`),
      { key: createPublicKey({ key: { ...jwk }, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
      Buffer.from(said.signature, 'base64url'),
    );
    if (!isRight) return problem(401, 'unauthorized', 'signature');
    const payload = (
      said.payload === '' ? {} : JSON.parse(Buffer.from(said.payload, 'base64url').toString())
    ) as Record<string, unknown>;
    if (path === '/account') {
      const kid = `${URL_START}/account/${thumbprint(jwk)}`;
      accounts.set(kid, jwk);
      return response(201, { status: 'valid' }, { location: kid });
    }
    return signedAnswer(path, payload, jwk);
  }

  async function signedAnswer(path: string, payload: Record<string, unknown>, jwk: AccountJwk): Promise<AcmeResponse> {
    const id = String(++count);
    if (path === '/order') {
      const asked = payload as unknown as FakeCa['orders'][number];
      ca.orders.push(asked);
      const names = asked.identifiers.map(({ value }) => value);
      const all = names.map((name, i) => {
        const key = `/authz/${id}-${i}`;
        const token = randomBytes(16).toString('base64url');
        authorizations.set(key, { name: name.replace(/^\*\./, ''), token, status: 'pending' });
        return key;
      });
      orders.set(`/order/${id}`, { names, authorizations: all, status: 'pending', account: thumbprint(jwk) });
      return response(201, orderBody(`/order/${id}`), { location: `${URL_START}/order/${id}` });
    }
    if (path.startsWith('/authz/')) return response(200, authorizationBody(path));
    if (path.startsWith('/challenge/')) {
      const key = path.replace('/challenge/', '/authz/');
      const one = authorizations.get(key);
      if (one === undefined) return problem(404, 'malformed', 'no such challenge');
      const wanted = `${one.token}.${thumbprint(jwk)}`;
      const isSeen = ca.seen.some(({ name, keyAuthorization }) => name === one.name && keyAuthorization === wanted);
      const fault = ca.challengeFault ?? (isSeen ? undefined : { type: 'connection', detail: 'nothing is there' });
      one.status = fault === undefined ? 'valid' : 'invalid';
      if (fault !== undefined) one.error = { type: `urn:ietf:params:acme:error:${fault.type}`, detail: fault.detail };
      return response(200, {});
    }
    if (path.startsWith('/finalize/')) {
      const order = orders.get(path.replace('/finalize/', '/order/'));
      if (order === undefined || statusOf(order) !== 'ready') return problem(403, 'orderNotReady', 'not yet');
      const request = new x509.Pkcs10CertificateRequest(Buffer.from(String(payload['csr']), 'base64url'));
      if (!(await request.verify(webcrypto))) return problem(400, 'badCSR', 'signature');
      const certificate = await x509.X509CertificateGenerator.create(
        {
          subject: '',
          issuer: 'CN=Fake CA',
          serialNumber: `9${id.padStart(7, '0')}`,
          notBefore: new Date(nowMs()),
          notAfter: new Date(nowMs() + ca.lifeMs),
          publicKey: request.publicKey,
          signingKey: keys.privateKey,
          signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
          extensions: [
            new x509.SubjectAlternativeNameExtension(order.names.map((value) => ({ type: 'dns', value }) as const)),
            await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
          ],
        },
        webcrypto,
      );
      certificates.set(`/certificate/${id}`, certificate.toString('pem'));
      order.certificate = `/certificate/${id}`;
      order.status = 'valid';
      return response(200, orderBody(path.replace('/finalize/', '/order/')));
    }
    if (orders.has(path)) return response(200, orderBody(path));
    const certificate = certificates.get(path);
    return certificate === undefined ? problem(404, 'malformed', 'nothing') : response(200, certificate);
  }

  function statusOf(order: { status: string; authorizations: string[] }): string {
    const all = order.authorizations.map((key) => authorizations.get(key)?.status);
    if (order.status !== 'pending') return order.status;
    return all.includes('invalid') ? 'invalid' : all.every((status) => status === 'valid') ? 'ready' : 'pending';
  }

  function orderBody(key: string): object {
    const order = orders.get(key);
    if (order === undefined) return {};
    return {
      status: statusOf(order),
      authorizations: order.authorizations.map((one) => URL_START + one),
      finalize: `${URL_START}${key.replace('/order/', '/finalize/')}`,
      ...(order.certificate === undefined ? {} : { certificate: URL_START + order.certificate }),
    };
  }

  function authorizationBody(key: string): object {
    const { name, token, status, error } = authorizations.get(key) ?? { name: '', token: '', status: 'invalid' };
    const url = `${URL_START}${key.replace('/authz/', '/challenge/')}`;
    const challenges = ['http-01', 'tls-alpn-01', 'dns-01'].map((type) => ({
      type,
      url,
      token,
      status,
      ...(error === undefined ? {} : { error }),
    }));
    return { status, identifier: { type: 'dns', value: name }, challenges };
  }

  return ca;
}
