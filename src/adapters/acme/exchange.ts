import { request } from 'node:https';
import { AcmeUnreachable } from './problem.ts';

/** One request to a CA. */
export interface AcmeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  /** A signed JWS (RFC 8555 §6.2). */
  readonly body?: string;
}

/** A whole answer of a CA. */
export interface AcmeResponse {
  readonly status: number;
  /** Value of a header by its name in lower case; of a repeated one the first. */
  header(name: string): string | undefined;
  readonly text: string;
}

/** Speaks to a CA. @throws AcmeUnreachable where there is no answer that could be read */
export type AcmeExchange = (request: AcmeRequest, signal: AbortSignal) => Promise<AcmeResponse>;

const TIMEOUT_MS = 20_000;
/** A chain of several certificates has some 10 KiB; a directory far less. */
const MAX_BYTES = 256 * 1024;

/**
 * Speaks to a CA over HTTPS: no redirects, bounded in time and size. Trusted are the certificates that the runtime
 * brings and `NODE_EXTRA_CA_CERTS`.
 */
export function createAcmeExchange(userAgent: string): AcmeExchange {
  return ({ method, url, body }, signal) =>
    new Promise((resolve, reject) => {
      const target = URL.parse(url);
      // The CA names every URL after the first: none of them may lead off TLS (RFC 8555 §6.1).
      if (target?.protocol !== 'https:') return reject(new AcmeUnreachable('the CA named a URL that is not https'));
      const ended = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const headers = {
        'user-agent': userAgent,
        'accept-language': 'en',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/jose+json', 'content-length': Buffer.byteLength(body) }),
      };
      const outgoing = request(target, { method, headers, agent: false, signal: ended }, (response) => {
        const pieces: Buffer[] = [];
        let length = 0;
        response.on('data', (piece: Buffer) => {
          length += piece.length;
          if (length > MAX_BYTES) return void outgoing.destroy(new Error('an answer without end'));
          pieces.push(piece);
        });
        response.on('error', fail);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            header: (name) => [response.headers[name]].flat()[0],
            text: Buffer.concat(pieces).toString('utf8'),
          }),
        );
      });
      outgoing.on('error', fail);
      outgoing.end(body);

      function fail(error: Error & { code?: string }): void {
        reject(new AcmeUnreachable(wordsOf(error, target?.host ?? ''), { cause: error }));
      }
    });
}

/** Why a CA could not be asked, with the mend. */
function wordsOf(error: Error & { code?: string }, host: string): string {
  const code = error.code ?? '';
  if (error.name === 'TimeoutError') return `${host} did not answer within ${TIMEOUT_MS / 1000} s`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `the name ${host} does not resolve here: mend the resolver of this machine, or correct listen.tls.acme.directory`;
  }
  if (code === 'CERT_NOT_YET_VALID' || code === 'CERT_HAS_EXPIRED') {
    return `the certificate of ${host} is not valid now: set the clock of this machine`;
  }
  if (/^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_)/.test(code)) {
    return `the certificate of ${host} is not trusted (${code}): a private CA is trusted by NODE_EXTRA_CA_CERTS=FILE`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `the certificate of ${host} is for another name`;
  if (code.startsWith('E') && !code.startsWith('ERR_')) {
    return `${host} cannot be reached (${code}): let this machine connect to it`;
  }
  return `${host} did not answer as a CA does (${error.message})`;
}
