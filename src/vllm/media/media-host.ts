/** One name of the DNS without the root's dot (RFC 1123 §2.1). */
export const HOST_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** What WHATWG's parser, and with it half of all clients, takes for the last part of an IPv4 address. */
export const ADDRESS_LABEL = /^(?:\d+|0x[0-9a-f]*)$/;
const MAX_HOST_CHARS = 253;
const LISTED = /^(?<wildcard>\*\.)?(?<name>[^:]*)(?::(?<port>.*))?$/;
const PORT = /^[1-9]\d{0,4}$/;

/**
 * What is wrong with a host that an operator lists: an exact name, or `*.example.org` for what is beneath it; with `:port`
 * for another one than 443. Undefined where it is good.
 */
export function mediaHostMistake(text: string): string | undefined {
  if (text.includes('://')) return 'Give the host alone, without https:// before it.';
  if (text.includes('/') || text.includes('?'))
    return 'Give the host alone, without a path: all of its paths are open.';
  if (text.includes('@')) return 'Give the host alone, without user information.';
  if (text.startsWith('[') || text.split(':').length > 2) return NO_ADDRESS;
  const parts = LISTED.exec(text)?.groups ?? {};
  const name = (parts['name'] ?? '').toLowerCase();
  const port = parts['port'];
  if (port !== undefined && !(PORT.test(port) && Number(port) <= 65_535)) return 'Give a port from 1 to 65535.';
  const labels = name.split('.');
  if (ADDRESS_LABEL.test(labels.at(-1) ?? '')) return NO_ADDRESS;
  if (name.includes('*') || name === '') return WILDCARDS;
  if (name.length > MAX_HOST_CHARS || !labels.every((label) => HOST_LABEL.test(label))) {
    return 'Give a host name in ASCII, such as images.example.org; of other scripts the xn-- form.';
  }
  // Whoever registers a name there could make the gateway fetch from it.
  return parts['wildcard'] !== undefined && labels.length < 2 ? WILDCARDS : undefined;
}

const NO_ADDRESS = 'Give a host name, not an address: what is fetched is bound to a name and its certificate.';
const WILDCARDS =
  'Give exact names, or *. before a name of at least two parts: *.example.org. There is no other wildcard.';
