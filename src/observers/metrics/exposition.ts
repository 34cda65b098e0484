import type { MetricsFormat } from '../../wire/metrics-format.ts';
import { newer, type Exemplar } from './exemplars.ts';

/** Labels of a sample. */
export type Labels = Readonly<Record<string, string>>;

/** Where the parts of a histogram stand in the words of a series. */
export interface HistogramAt {
  readonly buckets: number;
  readonly sum: number;
  readonly count: number;
  /** Its first exemplar. */
  readonly exemplars: number;
}

/** Values of one series, and its exemplars by slot. */
export interface Measured {
  readonly words: Float64Array;
  readonly exemplars: readonly (Exemplar | undefined)[];
}

/** Text in the exposition format of Prometheus, or in OpenMetrics 1.0. */
export class Exposition {
  private text = '';
  private readonly isOpen: boolean;

  constructor(format: MetricsFormat) {
    this.isOpen = format === 'openmetrics';
  }

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    // There the family of a counter goes without what its samples end in.
    const family = this.isOpen && type === 'counter' ? name.replace(/_total$/, '') : name;
    this.text += `# HELP ${family} ${help}\n# TYPE ${family} ${type}\n`;
  }

  sample(name: string, labels: Labels, value: number, exemplar?: Exemplar): void {
    const inside = Object.entries(labels)
      .map(([label, text]) => `${label}="${text.replace(/[\\"\n]/g, escapeLabel)}"`)
      .join(',');
    this.text += `${name}${inside === '' ? '' : `{${inside}}`} ${value}`;
    if (this.isOpen && exemplar !== undefined) {
      this.text += ` # {trace_id="${exemplar.traceId}"} ${exemplar.valueS} ${exemplar.timeMs / 1000}`;
    }
    this.text += '\n';
  }

  histogram(
    name: string,
    labels: Labels,
    bounds: readonly number[],
    { words, exemplars }: Measured,
    at: HistogramAt,
  ): void {
    let below = 0;
    for (const [i, bound] of bounds.entries()) {
      below += words[at.buckets + i] ?? 0;
      this.sample(`${name}_bucket`, { ...labels, le: this.bound(bound) }, below, exemplars[at.exemplars + i]);
    }
    const count = words[at.count] ?? 0;
    this.sample(`${name}_bucket`, { ...labels, le: '+Inf' }, count, exemplars[at.exemplars + bounds.length]);
    this.sample(`${name}_sum`, labels, words[at.sum] ?? 0);
    this.sample(`${name}_count`, labels, count);
  }

  /** All of it. */
  end(): string {
    return this.isOpen ? `${this.text}# EOF\n` : this.text;
  }

  /** OpenMetrics writes a bound as a float, always: `1.0`. */
  private bound(bound: number): string {
    return this.isOpen && Number.isInteger(bound) ? `${bound}.0` : String(bound);
  }
}

const escapeLabel = (character: string): string => (character === '\n' ? '\\n' : `\\${character}`);

/** Adds values; of each exemplar the newer one stays. */
export function addUp(sum: Measured, more: Measured): Measured {
  for (const [i, value] of more.words.entries()) sum.words[i] = (sum.words[i] ?? 0) + value;
  if (more.exemplars.length === 0) return sum;
  const slots = Math.max(sum.exemplars.length, more.exemplars.length);
  const exemplars = Array.from({ length: slots }, (_, i) => newer(sum.exemplars[i], more.exemplars[i]));
  return { words: sum.words, exemplars };
}
