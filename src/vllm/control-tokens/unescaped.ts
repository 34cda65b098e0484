/** A text of JSON without its escapes. All in one go, from the left: in `\\"` the backslash is escaped, and not the quotation mark. */
export function unescaped(json: string): string {
  let plain = '';
  let done = 0;
  for (let at = json.indexOf('\\'); at >= 0; at = json.indexOf('\\', done)) {
    plain += json.slice(done, at);
    const escaped = json[at + 1] ?? '';
    const code = escaped === 'u' ? Number.parseInt(json.slice(at + 2, at + 6), 16) : Number.NaN;
    done = at + (Number.isNaN(code) ? 2 : 6);
    if (!Number.isNaN(code)) plain += String.fromCharCode(code);
    // Control characters are in no spelling, and stay as they are.
    else plain += ['"', '\\', '/'].includes(escaped) ? escaped : json.slice(at, done);
  }
  return plain + json.slice(done);
}
