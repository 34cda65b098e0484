/** Bounds of what is taken over. */
export interface EngineMetricsBounds {
  readonly maxSeries: number;
  /** Characters of one line. */
  readonly maxLine: number;
}

/** Metrics of an engine, fit to stand beside ours. */
export interface EngineMetrics {
  /** Prometheus text, version 0.0.4. */
  readonly text: string;
  readonly series: number;
  /** Lines of vLLM's own families that are broken, doubled or too many. */
  readonly refused: number;
}

/** What one engine has, some thirty times over: a histogram of vLLM has some twenty series for each model. */
export const ENGINE_METRICS_BOUNDS: EngineMetricsBounds = { maxSeries: 20_000, maxLine: 4_096 };

/**
 * Takes over what an upstream says of itself in Prometheus text: families whose name begins with `vllm:`, each sample with the
 * upstream's name as a label. A line that is not wholly understood is refused, and all others are written anew, so that
 * what is called a model server cannot forge a metric of ours, or of another upstream, nor break the page for who reads it.
 *
 * @param upstream its name in the configuration
 */
export function takeOverMetrics(text: string, upstream: string, bounds: EngineMetricsBounds): EngineMetrics {
  const families = new Families();
  let series = 0;
  let refused = 0;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const isOurs = text.startsWith('vllm:', start) || COMMENTS.some((one) => text.startsWith(one, start));
    if (isOurs) {
      const isTaken = end - start <= bounds.maxLine && families.take(text.slice(start, end), series < bounds.maxSeries);
      if (isTaken === 'sample') series++;
      else if (isTaken === false) refused++;
    }
    start = end + 1;
  }
  return { text: families.render(upstream), series, refused };
}

const COMMENTS = ['# HELP vllm:', '# TYPE vllm:'];

interface Family {
  type: string | undefined;
  help: string | undefined;
  /** Name with what it ends in, and labels, as they are written; and the value. */
  readonly samples: Map<string, string>;
}

const NAME = 'vllm:[a-zA-Z_][a-zA-Z0-9_:]{0,127}';
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)\\r?$`);
const HELP = new RegExp(`^# HELP (${NAME}) (.*?)\\r?$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? +(\\S+)(?: +-?\\d{1,16})?\\r?$`);
const VALUE = /^(?:[+-]?(?:\d{1,32}(?:\.\d{0,32})?|\.\d{1,32})(?:[eE][+-]?\d{1,3})?|NaN|[+-]?Inf)$/;
/** One label, with what stands before the next. */
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]{0,127})="((?:[^"\\\p{Cc}\u2028\u2029\ud800-\udfff]|\\["\\n]){0,512})"(,|$)/uy;
const MAX_LABELS = 16;
/** Parts of the family before them (Prometheus text format, histograms and summaries). */
const ENDING = /_(?:bucket|sum|count)$/;

class Families {
  private readonly all = new Map<string, Family>();
  private readonly seen = new Set<string>();

  /** What a line was taken as; false where it is refused. */
  take(line: string, hasRoom: boolean): 'sample' | 'comment' | false {
    if (line.startsWith('#')) return this.comment(line) && 'comment';
    return hasRoom && this.sample(line) && 'sample';
  }

  render(upstream: string): string {
    const own = `upstream="${upstream.replace(/[^A-Za-z0-9._-]/g, '_')}"`;
    let text = '';
    for (const [name, { type, help, samples }] of this.all) {
      if (samples.size === 0) continue;
      if (help !== undefined) text += `# HELP ${name} ${help}\n`;
      text += `# TYPE ${name} ${type ?? 'untyped'}\n`;
      for (const [id, value] of samples) {
        const [sample = '', labels = ''] = id.split('{', 1).concat(id.slice(id.indexOf('{') + 1));
        text += `${sample}{${own}${labels === '' ? '' : `,${labels}`}} ${value}\n`;
      }
    }
    return text;
  }

  /** Each is said once of a family, and before its samples: readers refuse a second word on it. */
  private comment(line: string): boolean {
    const [, typed = '', type] = TYPE.exec(line) ?? [];
    const [, helped = '', help] = HELP.exec(line) ?? [];
    const name = typed + helped;
    if (name === '' || (!this.all.has(name) && this.all.size >= MAX_FAMILIES)) return false;
    const family = this.family(name);
    if (family.samples.size > 0) return false;
    if (type !== undefined) {
      if (family.type !== undefined) return false;
      family.type = type;
    } else if (family.help !== undefined) return false;
    else family.help = (help ?? '').replace(/[^\x20-\x5b\x5d-\x7e]/g, '?').slice(0, MAX_HELP);
    return true;
  }

  private sample(line: string): boolean {
    const [, name, inside = '', value = ''] = SAMPLE.exec(line) ?? [];
    const labels = name === undefined || !VALUE.test(value) ? undefined : labelsOf(inside);
    if (name === undefined || labels === undefined) return false;
    const id = `${name}{${labels}`;
    const base = name.replace(ENDING, '');
    const owner = SPREAD.has(this.all.get(base)?.type ?? '') ? base : name;
    if (!this.all.has(owner) && this.all.size >= MAX_FAMILIES) return false;
    const { samples } = this.family(owner);
    // In whichever family: its type may have been told between the two.
    if (this.seen.has(id)) return false;
    this.seen.add(id);
    samples.set(id, value);
    return true;
  }

  private family(name: string): Family {
    const found = this.all.get(name);
    if (found !== undefined) return found;
    const made = { type: undefined, help: undefined, samples: new Map<string, string>() };
    this.all.set(name, made);
    return made;
  }
}

const SPREAD = new Set(['histogram', 'summary']);
const MAX_FAMILIES = 1_000;
const MAX_HELP = 512;

/** Labels in one order and form, by which the same series is known; undefined where one is broken, doubled, or named as ours is. */
function labelsOf(inside: string): string | undefined {
  const labels = new Map<string, string>();
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inside.length) {
    const [, name, value] = LABEL.exec(inside) ?? [];
    if (name === undefined || value === undefined || labels.size >= MAX_LABELS) return undefined;
    // Theirs would stand in the place of ours, which says whose word it is; `__` is the reader's own.
    if (name === 'upstream' || name.startsWith('__') || labels.has(name)) return undefined;
    labels.set(name, value);
  }
  return [...labels]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');
}
