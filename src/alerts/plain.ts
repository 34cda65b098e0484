import { withoutSecrets, withoutUnseen } from '../wire/printable.ts';

/**
 * A text of whatever origin as one line that may stand anywhere: well-formed, no control or hidden characters, no
 * credential that somebody typed where it does not belong, at most `max` characters.
 */
export function plainLine(text: string, max: number): string {
  // What is cut off is not looked at: a value may be a MiB.
  const line = withoutUnseen(withoutSecrets(text.slice(0, max * 4)))
    .toWellFormed()
    .replace(/\s+/g, ' ')
    .trim();
  if (line.length <= max) return line;
  const cut = line.slice(0, max - 1);
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}
