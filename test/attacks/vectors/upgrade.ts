import { bare, chat, KEY, SMUGGLED_REQUEST } from '../message.ts';
import { answered, refused, type Vector } from '../vector.ts';

const SOURCE = 'RFC 9110 §7.8';
const WEBSOCKET = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
];
/** Anything but a switch of protocols; 426 is what the contract says for the Responses route. */
const notSwitched = refused([400, 403, 404, 405, 426, 501]);

/** One route switches protocols, for who has its scope (`test/e2e/realtime.test.ts`): what follows an upgrade is never taken for another protocol, nor passed on blindly. */
export const upgrade: readonly Vector[] = [
  {
    id: 'upgrade-responses',
    claim: 'an upgrade to WebSocket on the Responses route is 426',
    source: 'contract, public listener',
    bytes: bare('GET /v1/responses HTTP/1.1', WEBSOCKET),
    verdict: refused([426], { code: 'upgrade_required' }),
  },
  {
    id: 'upgrade-realtime',
    claim: 'an upgrade to WebSocket without the scope of its route does not switch',
    source: SOURCE,
    bytes: bare('GET /v1/realtime HTTP/1.1', WEBSOCKET),
    verdict: notSwitched,
  },
  {
    id: 'upgrade-realtime-smuggled',
    claim: 'bytes behind an upgrade that was refused are requests, not a tunnel',
    source: 'WebSocket smuggling through a proxy that believes the upgrade',
    bytes: bare('GET /v1/realtime HTTP/1.1', WEBSOCKET) + SMUGGLED_REQUEST.replace('/v1/chat/completions', '/sleep'),
    verdict: { ...notSwitched, further: [403] },
  },
  {
    id: 'upgrade-bad-version',
    claim: 'a WebSocket version that nobody knows does not make the gateway believe the upgrade',
    source: 'RFC 6455 §4.4',
    probes: ['COMP-UPGRADE-INVALID-VER'],
    bytes: bare('GET /v1/realtime HTTP/1.1', [...WEBSOCKET.slice(0, 3), 'Sec-WebSocket-Version: 1337']),
    verdict: notSwitched,
  },
  {
    id: 'upgrade-post',
    claim: 'an upgrade in a POST does not switch',
    source: 'RFC 6455 §4.1',
    probes: ['COMP-UPGRADE-POST'],
    bytes: chat({ headers: WEBSOCKET }),
    verdict: notSwitched,
  },
  {
    id: 'upgrade-without-connection',
    claim: 'Upgrade without the connection option does not switch',
    source: SOURCE,
    probes: ['COMP-UPGRADE-MISSING-CONN'],
    bytes: bare('GET /v1/models HTTP/1.1', WEBSOCKET.slice(1)),
    verdict: answered([200, 400, 403, 405, 426, 501], { next: 'either' }),
  },
  {
    id: 'upgrade-unknown-protocol',
    claim: 'an upgrade to a protocol that nobody knows does not switch',
    source: SOURCE,
    probes: ['COMP-UPGRADE-UNKNOWN'],
    bytes: bare('GET /v1/models HTTP/1.1', ['Connection: Upgrade', 'Upgrade: totally-made-up/1.0']),
    verdict: answered([200, 400, 403, 405, 426, 501], { next: 'either' }),
  },
  {
    id: 'upgrade-h2c',
    claim: 'an upgrade to HTTP/2 does not switch: a tunnel would go around every check',
    source: 'RFC 9113 §3.1 (h2c smuggling)',
    bytes: bare('GET /v1/models HTTP/1.1', [
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    ]),
    verdict: answered([200, 400, 403, 405, 426, 501], { next: 'either' }),
  },
  {
    id: 'upgrade-h2c-post',
    claim: 'an upgrade to HTTP/2 in a chat request does not switch',
    source: 'RFC 9113 §3.1 (h2c smuggling)',
    bytes: chat({ headers: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'] }),
    verdict: notSwitched,
  },
  {
    id: 'upgrade-http10',
    claim: 'an upgrade in an HTTP/1.0 request is ignored',
    source: SOURCE,
    probes: ['COMP-UPGRADE-HTTP10'],
    bytes: `GET /v1/models HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer ${KEY}\r\n${WEBSOCKET.join('\r\n')}\r\n\r\n`,
    verdict: answered([200, 400, 403, 405, 426, 501], { next: 'either' }),
  },
  {
    id: 'upgrade-twice',
    claim: 'two upgrades in one request are refused',
    source: SOURCE,
    bytes: bare('GET /v1/responses HTTP/1.1', [...WEBSOCKET, 'Upgrade: h2c']),
    verdict: refused([400, 426]),
  },
  {
    id: 'upgrade-without-credential',
    claim: 'an upgrade without credential learns nothing about the route',
    source: 'contract, public listener',
    bytes: `GET /v1/responses HTTP/1.1\r\nHost: a\r\n${WEBSOCKET.join('\r\n')}\r\n\r\n`,
    verdict: refused([401], { code: 'missing_credential' }),
  },
];
