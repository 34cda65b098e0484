import { STATUS_CODES } from '../kernel/http-module.ts';
import type { Surface } from '../kernel/exchange.ts';
import { deny } from '../kernel/reasons.ts';
import type { ReasonCode } from '../kernel/reasons.ts';
import { renderDenial } from './render.ts';

/** What is known of a request whose head could not be read. */
export interface BrokenHeadFacts {
  readonly surface: Surface;
  readonly requestId: string;
  readonly isEncrypted: boolean;
  readonly nowMs: number;
}

/** The whole response to a head that could not be read; the connection is closed after it. */
export function brokenHeadResponse(
  code: ReasonCode,
  { surface, requestId, isEncrypted, nowMs }: BrokenHeadFacts,
): string {
  const { status, headers, body } = renderDenial(deny(code), surface, requestId);
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
