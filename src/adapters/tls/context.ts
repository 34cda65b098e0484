import { constants } from 'node:crypto';
import type { TlsOptions } from 'node:tls';
import type { TlsMaterial } from './material.ts';

/** Authenticated encryption and ephemeral keys only: the suites of TLS 1.3, and those of 1.2 that RFC 9325 §4.2 recommends. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/**
 * Options of a TLS server, for `createServer` and `setSecureContext` alike: TLS 1.2 and 1.3, modern suites, HTTP/1.1.
 *
 * @param clientCaPem who may sign client certificates. They are asked for and not required here: a request without one
 *   is refused in words, and health routes answer without
 * @param ticketKeys 48 random bytes, the same for all workers, so that a session resumes on whichever takes the connection
 */
export function serverTlsOptions(
  material: Pick<TlsMaterial, 'certPem' | 'keyPem'>,
  ticketKeys: Uint8Array,
  clientCaPem?: string,
): TlsOptions {
  return {
    ...(clientCaPem === undefined ? {} : { ca: clientCaPem, requestCert: true, rejectUnauthorized: false }),
    cert: material.certPem,
    key: material.keyPem,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: CIPHERS,
    honorCipherOrder: true,
    // A caller could otherwise make us repeat the costly part of the handshake at will (CVE-2011-1473).
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
    ticketKeys: Buffer.from(ticketKeys),
    ALPNProtocols: ['http/1.1'],
  };
}
