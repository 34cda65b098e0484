import { ROWS, type Figures, type Row } from './scenarios.ts';

/** Figures by peer. */
export type Measured = ReadonlyMap<string, Figures>;

/** The middle one. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const above = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? above : ((sorted[middle - 1] ?? above) + above) / 2;
}

/** Medians of the rounds of one peer. */
export function medians(rounds: readonly Figures[]): Figures {
  const names = new Set(rounds.flatMap((round) => Object.keys(round)));
  return Object.fromEntries([...names].map((name) => [name, median(rounds.flatMap((round) => round[name] ?? []))]));
}

/** The comparison as a Markdown table: a row for each figure, a column for each peer, ratios to the first one. */
export function comparison(peers: readonly string[], figures: Measured, subject: string): string {
  const reference = figures.get(peers[0] ?? '') ?? {};
  const isJudged = peers.includes(subject);
  const head = ['', ...peers, ...(isJudged ? ['to keep', ''] : [])];
  const rows = ROWS.filter(({ figure }) => peers.some((peer) => figures.get(peer)?.[figure] !== undefined)).map(
    (row) => {
      const base = reference[row.figure];
      const cells = peers.map((peer) => cell(row, figures.get(peer)?.[row.figure], base));
      const own = figures.get(subject)?.[row.figure];
      return [row.title, ...cells, ...(isJudged ? verdict(row, own, base) : [])];
    },
  );
  return markdown(head, rows);
}

function cell({ unit }: Row, value: number | undefined, base: number | undefined): string {
  if (value === undefined) return '–';
  const shown = `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit === 'us' ? 'µs' : unit}`;
  return unit === 'us' && base !== undefined && base !== value ? `${shown} (${(value / base).toFixed(1)}x)` : shown;
}

function verdict({ most, unit }: Row, own: number | undefined, base: number | undefined): [string, string] {
  if (most === undefined) return ['', ''];
  const { timesNginx, aboveNginx, atMost } = most;
  const said =
    timesNginx === undefined
      ? aboveNginx === undefined
        ? `≤ ${atMost ?? 0} ${unit}`
        : `≤ nginx + ${aboveNginx} ${unit}`
      : `≤ ${timesNginx}x nginx`;
  const limit =
    atMost ??
    (base === undefined ? undefined : timesNginx === undefined ? base + (aboveNginx ?? 0) : base * timesNginx);
  if (own === undefined || limit === undefined) return [said, ''];
  return [said, own <= limit ? 'kept' : 'MISSED'];
}

/** A Markdown table. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
