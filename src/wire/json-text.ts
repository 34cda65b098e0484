/** Code units that JSON's grammar knows (RFC 8259 §2). */
export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;

/** Up to this many characters a string's end is looked for one by one; beyond, the engine's search is faster. */
const SHORT_STRING = 24;

/** The position behind the JSON string that opens at `open`; 0 where it never closes. */
export function endOfString(text: string, open: number): number {
  let at = open + 1;
  for (const far = at + SHORT_STRING; at < far; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at + 1;
    if (unit === BACKSLASH) at++;
  }
  for (at = text.indexOf('"', at); at >= 0; at = text.indexOf('"', at + 1)) {
    if (!isEscaped(text, at)) return at + 1;
  }
  return 0;
}

/** Tells whether an odd number of backslashes stands right before a position. Asked once for each run, so linear. */
export function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === BACKSLASH) before--;
  return ((at - 1 - before) & 1) === 1;
}
