import type { AnyExchange } from '../../kernel/exchange.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { DURATION_BUCKETS_S, FIRST_TOKEN_BUCKETS_S, MAX_SERIES, seriesOf, WORD, type SeriesLabels } from './series.ts';

/** Told of a series that this thread begins, so that the control plane can name it. */
export type OnSeries = (index: number, labels: SeriesLabels) => void;

/** Counts outcomes into this thread's row of the shared memory; nothing is sent but a new series' labels. */
export function createMetricsObserver(
  memory: SharedArrayBuffer,
  row: number,
  onSeries: OnSeries,
): (x: Pick<AnyExchange, 'route' | 'model' | 'usage'>, outcome: Outcome) => void {
  const cells = new Map<string, Float64Array>();

  function cellsFor(labels: SeriesLabels): Float64Array {
    const id = `${labels.route}\0${labels.model}\0${labels.status}\0${labels.code}`;
    const found = cells.get(id);
    if (found !== undefined) return found;
    // The last series takes all that would be too many: a caller must not grow our memory or the scraper's.
    if (cells.size >= MAX_SERIES - 1) return seriesOf(memory, row, MAX_SERIES - 1);
    const index = cells.size;
    const words = seriesOf(memory, row, index);
    cells.set(id, words);
    onSeries(index, labels);
    return words;
  }

  onSeries(MAX_SERIES - 1, { route: 'other', model: 'other', status: 0, code: 'other' });

  return (x, outcome) => {
    const words = cellsFor({
      route: x.route?.id ?? 'none',
      // A name that no upstream has answered to may be any: labels are kept as long as the process lives.
      model: outcome.mayHaveWorked === true ? modelLabel(x.model ?? '') : '',
      status: outcome.status,
      code: outcome.code ?? '',
    });
    add(words, WORD.count, 1);
    add(words, WORD.promptTokens, x.usage?.promptTokens ?? 0);
    add(words, WORD.completionTokens, x.usage?.completionTokens ?? 0);
    observe(words, WORD.durationSum, WORD.durationBuckets, DURATION_BUCKETS_S, outcome.durationMs / 1000);
    if (outcome.firstByteMs !== undefined) {
      add(words, WORD.firstTokenCount, 1);
      observe(words, WORD.firstTokenSum, WORD.firstTokenBuckets, FIRST_TOKEN_BUCKETS_S, outcome.firstByteMs / 1000);
    }
  };
}

const MAX_LABEL_CHARS = 128;

/** A label is kept as long as the process lives and is sent with every page, so it is bounded as the series are. */
const modelLabel = (model: string): string => (model.length > MAX_LABEL_CHARS ? 'other' : model);

function add(words: Float64Array, at: number, amount: number): void {
  words[at] = (words[at] ?? 0) + amount;
}

/** Buckets are kept apart and summed up when they are rendered: one write for each observation. */
function observe(
  words: Float64Array,
  sumAt: number,
  bucketsAt: number,
  bounds: readonly number[],
  value: number,
): void {
  add(words, sumAt, value);
  for (let i = 0; i < bounds.length; i++) {
    if (value <= (bounds[i] ?? 0)) return add(words, bucketsAt + i, 1);
  }
}
