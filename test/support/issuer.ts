import { createPrivateKey, generateKeyPairSync, hash, randomUUID, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An algorithm that the issuer of the tests signs with. */
export type TestAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'ML-DSA-44';

/** A key pair of the tests. */
export interface TestKey {
  readonly kid: string;
  readonly alg: TestAlgorithm;
  readonly privateKey: KeyObject;
  /** As it stands in a key set. */
  readonly jwk: Record<string, unknown>;
}

/** Makes a key pair. */
export function testKey(alg: TestAlgorithm = 'ES256', kid: string = randomUUID()): TestKey {
  const { publicKey, privateKey } = pairOf(alg);
  return { kid, alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

function pairOf(alg: TestAlgorithm) {
  switch (alg) {
    case 'RS256':
    case 'PS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'EdDSA':
      return generateKeyPairSync('ed25519');
    case 'ML-DSA-44':
      return generateKeyPairSync('ml-dsa-44');
  }
}

/** Signs bytes by JWS's rules. */
export function signBytes(alg: string, data: Buffer, key: KeyObject): Buffer {
  if (alg === 'RS256') return sign('sha256', data, key);
  if (alg === 'PS256') return sign('sha256', data, { key, padding: 6, saltLength: 32 });
  if (alg === 'ES256') return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' });
  return sign(null, data, key);
}

const encoded = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A compact JWS of any header and payload, whatever they are; texts are taken as they are. */
export function signed(header: unknown, payload: unknown, key: TestKey, alg: string = key.alg): string {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${signBytes(alg, Buffer.from(input), key.privateKey).toString('base64url')}`;
}

/** A DPoP proof (RFC 9449 §4.2) for a request. */
export function proofFor(
  key: TestKey,
  { method, url, token, nowMs = Date.now() }: { method: string; url: string; token: string; nowMs?: number },
  change: { readonly header?: object; readonly payload?: object } = {},
): string {
  const { kid: _, use: __, ...jwk } = key.jwk;
  return signed(
    { typ: 'dpop+jwt', alg: key.alg, jwk, ...change.header },
    {
      jti: randomUUID(),
      htm: method,
      htu: url,
      iat: Math.floor(nowMs / 1000),
      ath: hash('sha256', token, 'base64url'),
      ...change.payload,
    },
    key,
  );
}

/** A private key as another algorithm's, for confusing verifiers. */
export const privateKeyOf = (pem: string): KeyObject => createPrivateKey(pem);

/** An issuer of the tests, over plain HTTP on loopback. */
export interface TestIssuer extends AsyncDisposable {
  readonly url: string;
  /** The keys that its set shows; changed by assigning. */
  keys: TestKey[];
  /** Answers 500 to everything while true. */
  isBroken: boolean;
  /** Members of its metadata that are other than usual. */
  metadata: Record<string, unknown>;
  /** What its introspection endpoint says of a token. */
  introspect: (token: string, request: IncomingMessage) => Record<string, unknown> | undefined;
  /** Paths that were asked for. */
  readonly asked: string[];
  /** A good token, unless told otherwise. */
  token(claims?: Record<string, unknown>, options?: { key?: TestKey; header?: object }): string;
}

/** Starts an issuer. @param audience `aud` of its tokens */
export async function startTestIssuer(audience: () => string, alg: TestAlgorithm = 'ES256'): Promise<TestIssuer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const answer = (value: unknown): void => {
      response.writeHead(value === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value ?? {}));
    };
    if (it.isBroken) return void response.writeHead(500).end();
    if (path === '/.well-known/openid-configuration') {
      return answer({
        issuer: it.url,
        jwks_uri: `${it.url}/keys`,
        introspection_endpoint: `${it.url}/introspect`,
        ...it.metadata,
      });
    }
    if (path === '/keys') return answer({ keys: it.keys.map(({ jwk }) => jwk) });
    if (path !== '/introspect') return answer(undefined);
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => answer(it.introspect(new URLSearchParams(body).get('token') ?? '', request)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const it: TestIssuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys: [testKey(alg)],
    isBroken: false,
    metadata: {},
    introspect: () => ({ active: false }),
    asked,
    token(claims = {}, { key = it.keys[0], header = {} } = {}) {
      if (key === undefined) throw new Error('the issuer has no key');
      const nowS = Math.floor(Date.now() / 1000);
      return signed(
        { typ: 'at+jwt', alg: key.alg, kid: key.kid, ...header },
        {
          iss: it.url,
          sub: 'user-1',
          aud: audience(),
          iat: nowS,
          exp: nowS + 300,
          jti: randomUUID(),
          client_id: 'client-1',
          scope: 'inference:chat models:read',
          models: ['tiny'],
          ...claims,
        },
        key,
      );
    },
    [Symbol.asyncDispose]() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return it;
}
