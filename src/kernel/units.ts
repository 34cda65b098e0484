const BYTES_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['B', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
  ['TiB', 1024 ** 4],
  ['kB', 1e3],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
]);

const MS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/**
 * Reads a size such as `512`, `64KiB`, `8MiB` or `10MB`: a whole number and a unit, binary (IEC 80000-13: `KiB`
 * to `TiB`) or decimal (`kB` or `KB` to `TB`); without a unit it is bytes.
 *
 * @returns bytes, a safe integer >= 0; undefined for any other text
 */
export function parseBytes(text: string): number | undefined {
  return parseQuantity(text, BYTES_PER_UNIT);
}

/**
 * Reads a duration such as `250ms`, `30s`, `10m`, `8h` or `30d`: a whole number and its unit, which is never left out.
 *
 * @returns milliseconds, a safe integer >= 0; undefined for any other text
 */
export function parseDurationMs(text: string): number | undefined {
  return parseQuantity(text, MS_PER_UNIT);
}

/** Writes bytes so that `parseBytes` reads the same number: in the largest binary unit that divides them. */
export function formatBytes(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    const size = BYTES_PER_UNIT.get(unit) ?? 1;
    if (bytes !== 0 && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

/** Writes milliseconds so that `parseDurationMs` reads the same number: in the largest unit that divides them. */
export function formatDurationMs(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = MS_PER_UNIT.get(unit) ?? 1;
    if (ms !== 0 && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

function parseQuantity(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = /^(\d{1,16})([A-Za-z]{0,3})$/.exec(text);
  const size = units.get(match?.[2] ?? '?');
  if (match === null || size === undefined) return undefined;
  const value = Number(match[1]) * size;
  return Number.isSafeInteger(value) ? value : undefined;
}
