/** Columns of equal width, two spaces between them; the first row is their heads. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}

/** Names and values below each other. */
export function pairs(rows: readonly (readonly [string, string])[]): string {
  return table(rows);
}

/** One JSON value on a line of its own. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** A time for people, or a word where there is none. */
export function timeText(time: string | null, none: string): string {
  return time === null ? none : time.replace(/\.\d+Z$/, 'Z');
}

/** The words of flags that take several, given as `a,b`, as `--flag a --flag b`, or both. */
export function wordsOf(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(',')).map((word) => word.trim());
}
