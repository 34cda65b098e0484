/** Forms of a metrics page: Prometheus text 0.0.4, or OpenMetrics 1.0, which has a place for exemplars. */
export type MetricsFormat = 'text' | 'openmetrics';

/** `content-type` of each. */
export const METRICS_TYPE: Readonly<Record<MetricsFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** Who asks by a header of more than that, or of more ranges, gets the plain text. */
const MAX_CHARS = 1_024;

/**
 * The form that an `Accept` asks for (RFC 9110 §12.5.1): OpenMetrics only where its version 1.0.0 is named and nothing else is
 * preferred to it, for all that can read it say so.
 */
export function metricsFormatOf(accept: string | undefined): MetricsFormat {
  if (accept === undefined || accept.length > MAX_CHARS) return 'text';
  let open = 0;
  let plain = 0;
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const quality = qualityOf(parameters);
    if (type === 'application/openmetrics-text') {
      if (parameters.some((one) => VERSION.test(one))) open = Math.max(open, quality);
    } else if (PLAIN.has(type)) plain = Math.max(plain, quality);
  }
  return open > 0 && open >= plain ? 'openmetrics' : 'text';
}

const VERSION = /^version="?1\.0\.0"?$/;
const PLAIN = new Set(['text/plain', 'text/*']);

function qualityOf(parameters: readonly string[]): number {
  const text = parameters.find((one) => one.startsWith('q='))?.slice(2);
  if (text === undefined) return 1;
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 0;
}
