/**
 * The path that vLLM's router sees: without query, percent-decoded once, and of an absolute form without the host,
 * whatever it is. Decoding here is what a gateway must not do: `%2f` reaches a route.
 */
export function pathOfTarget(target: string): string {
  const path = target.replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*/, '').replace(/[?#].*$/s, '');
  const bytes = path.replace(/%[0-9A-Fa-f]{2}/g, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8') || '/';
}
