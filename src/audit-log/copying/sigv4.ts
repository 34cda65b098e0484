import { createHash, createHmac } from 'node:crypto';

/** A request that is to be signed. */
export interface SignedRequest {
  readonly method: string;
  readonly url: URL;
  /** With lower-case names, all of them signed; `host` and those of the signature are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Who signs, and for where. */
export interface SigV4Key {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly region: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/**
 * Signs a request to S3 by its head (AWS Signature Version 4; the path encoded once, as S3 has it).
 *
 * @returns the headers to send
 */
export function signedHeaders(
  { method, url, headers, body }: SignedRequest,
  key: SigV4Key,
  nowMs: number,
): Record<string, string> {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const all: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': time,
  };
  const names = Object.keys(all).sort();
  const canonical = [
    method,
    pathOf(url),
    queryOf(url),
    ...names.map((name) => `${name}:${(all[name] ?? '').trim()}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const scope = `${time.slice(0, 8)}/${key.region}/s3/aws4_request`;
  const signature = hmac(
    signingKey(key, time.slice(0, 8)),
    `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`,
  );
  const credential = `Credential=${key.accessKeyId}/${scope},SignedHeaders=${names.join(';')}`;
  return { ...all, authorization: `AWS4-HMAC-SHA256 ${credential},Signature=${signature.toString('hex')}` };
}

const signingKey = ({ accessKeySecret, region }: SigV4Key, day: string): Buffer =>
  hmac(hmac(hmac(hmac(`AWS4${accessKeySecret}`, day), region), 's3'), 'aws4_request');

/** RFC 3986 §2.3: all but unreserved characters. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

const pathOf = ({ pathname }: URL): string =>
  pathname
    .split('/')
    .map((step) => encoded(decodeURIComponent(step)))
    .join('/');

const queryOf = ({ searchParams }: URL): string =>
  [...searchParams]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join('&');
