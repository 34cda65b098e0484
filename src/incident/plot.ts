import { isoSeconds as timeOf } from '../kernel/iso-time.ts';
import type { Seen, Slot } from './tally.ts';

const WIDTH = 960;
const HEIGHT = 160;
const LEFT = 56;
const BOTTOM = 24;
const TOP = 12;

/** A part of each column. */
interface Part {
  readonly name: string;
  readonly className: string;
  readonly of: (slot: Slot) => number;
}

/** Requests over time, refused ones on top of the others: a graphic of its own (SVG 2), no script. */
export const requestPlot = (slots: readonly Slot[], stepMs: number): string =>
  columns('Requests', slots, stepMs, [
    { name: 'answered, cut or failed', className: 'good', of: ({ answered }) => answered },
    { name: 'refused', className: 'bad', of: ({ denied }) => denied },
  ]);

/** Tokens over time. */
export const tokenPlot = (slots: readonly Slot[], stepMs: number): string =>
  columns('Tokens', slots, stepMs, [{ name: 'tokens', className: 'tokens', of: ({ tokens }) => tokens }]);

function columns(title: string, slots: readonly Slot[], stepMs: number, parts: readonly Part[]): string {
  const heights = slots.map((slot) => parts.reduce((sum, { of }) => sum + of(slot), 0));
  const top = roundTop(Math.max(1, ...heights));
  const width = (WIDTH - LEFT) / Math.max(1, slots.length);
  const scale = (HEIGHT - BOTTOM - TOP) / top;
  const bars = slots.flatMap((slot, i) => {
    let below = HEIGHT - BOTTOM;
    return parts.map(({ name, className, of }) => {
      const height = of(slot) * scale;
      below -= height;
      const about = `<title>${escapeHtml(`${timeOf(slot.startMs)}: ${of(slot)} ${name}`)}</title>`;
      return `<rect class="${className}" x="${round(LEFT + i * width + 0.5)}" y="${round(below)}" width="${round(Math.max(1, width - 1))}" height="${round(height)}">${about}</rect>`;
    });
  });
  const legend = parts.length < 2 ? '' : legendOf(parts);
  return frame(title, HEIGHT, `${axis(top, scale)}${bars.join('')}${timesOf(slots, stepMs, HEIGHT)}`, legend);
}

/** From where, and from when to when. */
export function addressPlot(addresses: readonly Seen[], slots: readonly Slot[], stepMs: number): string {
  const [first] = slots;
  const last = slots.at(-1);
  if (first === undefined || last === undefined) return '';
  const span = last.startMs + stepMs - first.startMs;
  const at = (timeMs: number) => LEFT + 140 + ((timeMs - first.startMs) / span) * (WIDTH - LEFT - 140);
  const row = 22;
  const height = addresses.length * row + BOTTOM + TOP;
  const rows = addresses.map(({ name, count, firstMs, lastMs }, i) => {
    const y = TOP + i * row;
    const about = `<title>${escapeHtml(`${name}: ${count} requests, ${timeOf(firstMs)} to ${timeOf(lastMs)}`)}</title>`;
    return `<text x="0" y="${y + 14}">${escapeHtml(short(name))}</text><rect class="good" x="${round(at(firstMs))}" y="${y + 4}" width="${round(Math.max(3, at(lastMs) - at(firstMs)))}" height="12">${about}</rect>`;
  });
  return frame('Addresses', height, rows.join(''), '');
}

const frame = (title: string, height: number, inside: string, legend: string): string =>
  `<figure><figcaption>${escapeHtml(title)}${legend}</figcaption><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)} over time">${inside}</svg></figure>`;

const legendOf = (parts: readonly Part[]): string =>
  parts.map(({ name, className }) => ` <span class="key ${className}"></span>${escapeHtml(name)}`).join('');

const axis = (top: number, scale: number): string =>
  [0, top / 2, top]
    .map((value) => {
      const y = round(HEIGHT - BOTTOM - value * scale);
      return `<line x1="${LEFT}" x2="${WIDTH}" y1="${y}" y2="${y}"/><text class="number" x="${LEFT - 6}" y="${y + 4}">${compact(value)}</text>`;
    })
    .join('');

function timesOf(slots: readonly Slot[], stepMs: number, height: number): string {
  const width = (WIDTH - LEFT) / Math.max(1, slots.length);
  const every = Math.max(1, Math.ceil(slots.length / 7));
  return slots
    .filter((_, i) => i % every === 0)
    .map(({ startMs }, i) => {
      const text =
        stepMs >= 86_400_000 ? dayOf(startMs) : `${dayOf(startMs).slice(5)} ${timeOf(startMs).slice(11, 16)}`;
      return `<text x="${round(LEFT + i * every * width)}" y="${height - 6}">${text}</text>`;
    })
    .join('');
}

/** 1, 2 or 5 and noughts. */
function roundTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((one) => one * power >= value) ?? 10);
}

const compact = (value: number): string =>
  value >= 1_000_000 ? `${value / 1_000_000}M` : value >= 1_000 ? `${value / 1_000}k` : String(value);
const round = (value: number): number => Math.round(value * 10) / 10;
const dayOf = (timeMs: number): string => timeOf(timeMs).slice(0, 10);
const short = (text: string): string => (text.length > 24 ? `${text.slice(0, 23)}…` : text);

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as text: names and addresses are what callers have sent. Characters that no page may have are left out. */
export const escapeHtml = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, ' ').replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
