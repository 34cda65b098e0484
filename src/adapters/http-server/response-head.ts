import { STATUS_CODES } from '../../kernel/http-module.ts';

/**
 * The head of a response as it goes out, with the empty line behind it.
 *
 * @param headers names and values in turn
 * @throws RangeError for a value that could end its line: what a peer has sent must never become a header of ours
 */
export function renderHead(status: number, headers: readonly string[], nowMs: number): string {
  let text = statusLine(status);
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] ?? '';
    if (!PLAIN.test(value)) throw new RangeError(`the value of ${headers[i]} is not plain text`);
    text += `${headers[i]}: ${value}\r\n`;
  }
  return `${text}date: ${httpDate(nowMs)}\r\n\r\n`;
}

/** Visible ASCII, spaces and tabs (RFC 9110 §5.5, without obs-text). */
const PLAIN = /^[\t\x20-\x7e]*$/;

const statusLine = (status: number): string => `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;

let dateS = 0;
let dateText = '';

/** RFC 9110 §5.6.7; rendered once a second. */
function httpDate(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  if (seconds !== dateS) {
    dateS = seconds;
    dateText = new Date(nowMs).toUTCString();
  }
  return dateText;
}
