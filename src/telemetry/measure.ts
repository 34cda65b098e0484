import type { RequestRecord } from '../kernel/record.ts';
import type { Histograms } from './histograms.ts';
import { ATTRIBUTE, HISTOGRAM } from './names.ts';
import type { Attributes } from './otlp.ts';
import { callAttributes, methodOf, operationOf, type Surroundings } from './subject.ts';

/** Counts a request that has ended, or those that one record stands for. */
export function measure(record: RequestRecord, around: Surroundings, histograms: Histograms): void {
  const seconds = record.durationMs / 1000;
  const times = record.count ?? 1;
  histograms.add(HISTOGRAM.http, httpAttributes(record, around), seconds, times);
  if (operationOf(record, around) === undefined) return;
  const call = callAttributes(record, around);
  const ended = { ...call, [ATTRIBUTE.errorType]: record.code };
  histograms.add(HISTOGRAM.request, ended, seconds, times);
  histograms.add(HISTOGRAM.operation, ended, (record.upstreamMs ?? record.durationMs) / 1000, times);
  for (const [type, tokens] of [
    ['input', record.promptTokens],
    ['output', record.completionTokens],
  ] as const) {
    if (tokens !== undefined) histograms.add(HISTOGRAM.tokens, { ...call, [ATTRIBUTE.tokenType]: type }, tokens);
  }
  if (record.outcome === 'answer' && record.isStream) measureStream(record, call, histograms);
}

/** Of whole answers the first token is not seen. */
function measureStream(record: RequestRecord, call: Attributes, histograms: Histograms): void {
  const { firstByteMs, upstreamMs, completionTokens } = record;
  if (firstByteMs === undefined) return;
  histograms.add(HISTOGRAM.firstToken, call, firstByteMs / 1000);
  if (upstreamMs === undefined || completionTokens === undefined || completionTokens < 2) return;
  histograms.add(HISTOGRAM.outputToken, call, (upstreamMs - firstByteMs) / 1000 / (completionTokens - 1));
}

const httpAttributes = (record: RequestRecord, { routes }: Surroundings): Attributes => ({
  [ATTRIBUTE.httpMethod]: methodOf(record),
  [ATTRIBUTE.httpRoute]: routes.get(record.route ?? '')?.path,
  [ATTRIBUTE.httpStatus]: record.status,
  [ATTRIBUTE.errorType]: record.code,
});
