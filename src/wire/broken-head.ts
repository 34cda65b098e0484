import { STATUS_CODES } from 'node:http';
import { deny } from '../kernel/reasons.ts';
import type { ReasonCode } from '../kernel/reasons.ts';
import { renderDenial } from './render.ts';

/** The whole response to a head that could not be read; the connection is closed after it. */
export function brokenHeadResponse(code: ReasonCode, requestId: string, isEncrypted: boolean, nowMs: number): string {
  const { status, headers, body } = renderDenial(deny(code), 'openai', requestId);
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`];
  const all = [
    ...headers,
    'x-request-id',
    requestId,
    'x-content-type-options',
    'nosniff',
    'cache-control',
    'no-store',
    ...(isEncrypted ? ['strict-transport-security', 'max-age=31536000'] : []),
    'date',
    new Date(nowMs).toUTCString(),
    'content-length',
    String(Buffer.byteLength(body)),
    'connection',
    'close',
  ];
  for (let i = 0; i < all.length; i += 2) lines.push(`${all[i]}: ${all[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
