import { ATTRIBUTE, type HistogramName } from './names.ts';
import { keyValuesOf, nanosOf, type AttributeValue, type Attributes, type HistogramMetric } from './otlp.ts';

/** Counts values in buckets since its start, for each set of attributes. */
export interface Histograms {
  /** @param times so many of the same value at once */
  add(histogram: HistogramName, attributes: Attributes, value: number, times?: number): void;
  /** All that has been counted, cumulative. */
  read(nowMs: number): readonly HistogramMetric[];
}

interface Series {
  readonly attributes: Attributes;
  readonly buckets: number[];
  count: number;
  sum: number;
}

/** Attributes whose values callers or upstreams choose: these become `other` where there are too many. */
const OPEN_ENDED: ReadonlySet<string> = new Set([ATTRIBUTE.requestModel, ATTRIBUTE.errorType]);

/**
 * @param maxSeries sets of attributes of one histogram; what comes after them is counted under `other`, and where even that is too
 *   much, in one series without attributes: neither we nor the collector grow with what callers send
 */
export function createHistograms(startMs: number, maxSeries: number): Histograms {
  const all = new Map<HistogramName, Map<string, Series>>();

  function seriesOf(histogram: HistogramName, attributes: Attributes): Series {
    let series = all.get(histogram);
    if (series === undefined) all.set(histogram, (series = new Map()));
    for (const candidate of [attributes, closed(attributes)]) {
      const found = series.get(idOf(candidate));
      if (found !== undefined) return found;
      // A quarter is kept for those that are not open-ended.
      if (series.size < (candidate === attributes ? maxSeries * 0.75 : maxSeries - 1))
        return begin(series, histogram, candidate);
    }
    return series.get(REST) ?? begin(series, histogram, {});
  }

  return {
    add(histogram, attributes, value, times = 1) {
      if (!Number.isFinite(value) || value < 0) return;
      const series = seriesOf(histogram, attributes);
      const at = histogram.bounds.findIndex((bound) => value <= bound);
      const bucket = at < 0 ? histogram.bounds.length : at;
      series.buckets[bucket] = (series.buckets[bucket] ?? 0) + times;
      series.count += times;
      series.sum += value * times;
    },
    read: (nowMs) =>
      [...all].map(([{ name, description, unit, bounds }, series]) => ({
        ...{ name, description, unit },
        dataPoints: [...series.values()].map(({ attributes, buckets, count, sum }) => ({
          attributes: keyValuesOf(attributes),
          startTimeUnixNano: nanosOf(startMs),
          timeUnixNano: nanosOf(nowMs),
          count: String(count),
          sum,
          bucketCounts: buckets.map(String),
          explicitBounds: bounds,
        })),
      })),
  };
}

function begin(all: Map<string, Series>, { bounds }: HistogramName, attributes: Attributes): Series {
  const series = { attributes, buckets: Array.from({ length: bounds.length + 1 }, () => 0), count: 0, sum: 0 };
  all.set(idOf(attributes), series);
  return series;
}

const closed = (attributes: Attributes): Attributes =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]): [string, AttributeValue | undefined] => [
      name,
      value !== undefined && OPEN_ENDED.has(name) ? 'other' : value,
    ]),
  );

const idOf = (attributes: Attributes): string => JSON.stringify(attributes);
const REST = '{}';
