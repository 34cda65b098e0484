import type { AnyExchange } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { exemplarsOf, SLOT, type Exemplar, type ExemplarCells } from './exemplars.ts';
import { DURATION_BUCKETS_S, FIRST_TOKEN_BUCKETS_S, MAX_SERIES, seriesOf, WORD, type SeriesLabels } from './series.ts';

/** Told of a series that this thread begins, so that the control plane can name it. */
export type OnSeries = (index: number, labels: SeriesLabels) => void;

/** The trace of a request, where it is kept: a link to any other would lead nowhere. */
export type Traced = Pick<Exemplar, 'traceId' | 'timeMs'>;

interface Cells {
  readonly words: Float64Array;
  readonly exemplars: ExemplarCells;
}

/** Counts outcomes into this thread's row of the shared memory; nothing is sent but a new series' labels. */
export function createMetricsObserver(memory: SharedArrayBuffer, row: number, onSeries: OnSeries) {
  const cells = new Map<string, Cells>();
  const cellsOf = (index: number): Cells => ({
    words: seriesOf(memory, row, index),
    exemplars: exemplarsOf(memory, row, index),
  });
  const rest = cellsOf(MAX_SERIES - 1);

  function cellsFor(labels: SeriesLabels): Cells {
    const id = `${labels.route}\0${labels.model}\0${labels.status}\0${labels.code}`;
    const found = cells.get(id);
    if (found !== undefined) return found;
    // The last series takes all that would be too many: a caller must not grow our memory or the scraper's.
    if (cells.size >= MAX_SERIES - 1) return rest;
    const index = cells.size;
    const made = cellsOf(index);
    cells.set(id, made);
    onSeries(index, labels);
    return made;
  }

  onSeries(MAX_SERIES - 1, { route: 'other', model: 'other', status: 0, code: 'other' });

  return (x: Pick<AnyExchange, 'route' | 'model' | 'usage'>, outcome: Outcome, traced?: Traced): void => {
    const { words, exemplars } = cellsFor({
      route: x.route?.id ?? 'none',
      // A name that no upstream has answered to may be any: labels are kept as long as the process lives.
      model: outcome.mayHaveWorked === true ? modelLabel(x.model ?? '') : '',
      status: outcome.status,
      code: outcome.code ?? '',
    });
    add(words, WORD.count, 1);
    add(words, WORD.promptTokens, x.usage?.promptTokens ?? 0);
    add(words, WORD.completionTokens, x.usage?.completionTokens ?? 0);
    const valueS = outcome.durationMs / 1000;
    const bucket = observe(words, WORD.durationSum, WORD.durationBuckets, DURATION_BUCKETS_S, valueS);
    if (traced !== undefined) exemplars.write(SLOT.duration + bucket, { ...traced, valueS });
    if (outcome.firstByteMs !== undefined) {
      add(words, WORD.firstTokenCount, 1);
      const firstS = outcome.firstByteMs / 1000;
      const at = observe(words, WORD.firstTokenSum, WORD.firstTokenBuckets, FIRST_TOKEN_BUCKETS_S, firstS);
      if (traced !== undefined) exemplars.write(SLOT.firstToken + at, { ...traced, valueS: firstS });
    }
  };
}

const MAX_LABEL_CHARS = 128;

/** A label is kept as long as the process lives and is sent with every page, so it is bounded as the series are. */
const modelLabel = (model: string): string => (model.length > MAX_LABEL_CHARS ? 'other' : model);

function add(words: Float64Array, at: number, amount: number): void {
  words[at] = (words[at] ?? 0) + amount;
}

/** Buckets are kept apart and summed up when they are rendered: one write for each observation. Gives the bucket. */
function observe(
  words: Float64Array,
  sumAt: number,
  bucketsAt: number,
  bounds: readonly number[],
  value: number,
): number {
  add(words, sumAt, value);
  for (let i = 0; i < bounds.length; i++) {
    if (value > (bounds[i] ?? 0)) continue;
    add(words, bucketsAt + i, 1);
    return i;
  }
  return bounds.length;
}
