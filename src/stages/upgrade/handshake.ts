import type { ParsedHead } from '../../kernel/exchange.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Handshake, RequestHead } from '../../kernel/transport.ts';

/**
 * Reads a client's handshake (RFC 6455 §4.2.1). What asks for no WebSocket of version 13 is `upgrade_required`, what
 * asks for one in a doubtful way is `invalid_request`: another hop could believe in a tunnel where we do not.
 */
export function readHandshake({ headers, hasBody }: ParsedHead, { httpVersion }: RequestHead): Handshake | Denial {
  const upgrade = headers.get('upgrade');
  // HTTP/1.0 has no upgrades (RFC 9110 §7.8).
  if (upgrade === undefined || httpVersion !== '1.1' || upgrade.toLowerCase() !== 'websocket') return NOT_ASKED;
  if (headers.get('sec-websocket-version') !== '13') return OTHER_VERSION;
  if (!isListed(headers.get('connection'), 'upgrade')) return malformed('Send "Connection: Upgrade" with the Upgrade.');
  const key = headers.get('sec-websocket-key') ?? '';
  if (!KEY.test(key)) return malformed('Send one Sec-WebSocket-Key of 16 bytes in base64.');
  // Whoever reads no body of a GET would take it for frames, or for the next request.
  if (hasBody) return malformed('A WebSocket handshake has no body.');
  return { key, protocol: isListed(headers.get('sec-websocket-protocol'), REALTIME) ? REALTIME : undefined };
}

/** The subprotocol of OpenAI's SDKs. Others beside it, keys among them, are not read: they would end up in logs. */
const REALTIME = 'realtime';
/** 22 digits of which the last one has only two bits (RFC 4648 §3.5). */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

const malformed = (message: string): Denial => deny('invalid_request', { message });
const NOT_ASKED = deny('upgrade_required', {
  upgrade: 'websocket',
  message: 'This route speaks WebSocket only. Open it with a WebSocket client over HTTP/1.1 (RFC 6455).',
});
const OTHER_VERSION = deny('upgrade_required', {
  upgrade: 'websocket',
  message: 'The only version of WebSocket that is spoken here is 13. Send "Sec-WebSocket-Version: 13" once.',
});

/** Whether a word is in a comma-separated list, whatever its case. */
function isListed(list: string | undefined, word: string): boolean {
  return list?.split(',').some((one) => one.trim().toLowerCase() === word) ?? false;
}
