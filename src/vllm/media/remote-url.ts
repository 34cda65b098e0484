import type { MediaUrl } from '../../kernel/exchange.ts';
import { Refusal, invalid, outOfRange } from '../fields/refusal.ts';
import { ADDRESS_LABEL, HOST_LABEL } from './media-host.ts';

const MAX_URL_CHARS = 2048;
const DEFAULT_PORT = 443;
/** RFC 3986 without user information, brackets, fragment and everything outside the characters that URLs have. */
const HTTPS_URL =
  /^https:\/\/(?<host>[a-z0-9.-]{1,253})(?::(?<port>[1-9]\d{0,4}))?(?<path>(?:[/?](?:[\w.~!$&'()*+,;=:@/?-]|%[\dA-Fa-f]{2})*)?)$/i;
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?=\/|$)/i;

/**
 * Takes apart a URL of media that a caller names. Only URLs that every parser reads alike are accepted: `https`, a host
 * name in ASCII, no user information, no fragment, no backslash, no dot segments; and no address in any spelling, for
 * what is on the list is a name. Its addresses are still to be resolved and judged by `isPublicAddress`.
 *
 * @param hosts exact names, or `*.example.org` for what is beneath it; with `:port` for another one than 443
 */
export function parseMediaUrl(url: string, hosts: readonly string[]): MediaUrl | Refusal {
  if (url.length > MAX_URL_CHARS) return outOfRange(`Give a URL of at most ${MAX_URL_CHARS} characters.`);
  const parts = HTTPS_URL.exec(url)?.groups;
  if (parts === undefined) {
    return invalid('Give an https URL with a host name, and only characters that a URL may have (RFC 3986).');
  }
  const host = (parts['host'] ?? '').toLowerCase();
  const port = Number(parts['port'] ?? DEFAULT_PORT);
  const labels = host.split('.');
  if (!labels.every((label) => HOST_LABEL.test(label)) || ADDRESS_LABEL.test(labels.at(-1) ?? '')) {
    return invalid('Give a host name, not an address.');
  }
  if (port > 65_535) return outOfRange('Give a port up to 65535.');
  const rest = parts['path'] ?? '';
  // An empty query is none: the platform reads it so.
  const path = (rest.startsWith('/') ? rest : `/${rest}`).replace(/^([^?]*)\?$/, '$1');
  if (DOT_SEGMENT.test(path.split('?', 1)[0] ?? '') || /%00/.test(path)) {
    return invalid('Give a path without dot segments and null characters.');
  }
  if (!hosts.some((entry) => isListed(host, port, entry.toLowerCase()))) {
    return new Refusal('forbidden_field', '', 'Media of this host is closed. Send it as a data URL.');
  }
  return { host, port, path, canonical: `https://${host}${port === DEFAULT_PORT ? '' : `:${port}`}${path}` };
}

function isListed(host: string, port: number, entry: string): boolean {
  const [name = '', listedPort = String(DEFAULT_PORT)] = entry.split(':');
  if (listedPort !== String(port)) return false;
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) && host.length >= name.length : host === name;
}
