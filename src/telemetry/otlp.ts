/**
 * The JSON mapping of OTLP 1.x, as far as it is sent here: names in lowerCamelCase, 64-bit integers as texts, trace and span
 * ids in hexadecimal (opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding").
 */

/** Value of an attribute. */
export type AttributeValue = string | number | boolean;

/** Attributes; those without a value are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** `opentelemetry.proto.common.v1.KeyValue`. */
export interface KeyValue {
  readonly key: string;
  readonly value:
    | { readonly stringValue: string }
    | { readonly boolValue: boolean }
    | { readonly intValue: string }
    | { readonly doubleValue: number };
}

/** `opentelemetry.proto.trace.v1.Span`. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly status: { readonly code?: number };
}

/** `SpanKind`: the side that is asked, and the one that asks. */
export const SPAN_KIND = { server: 2, client: 3 } as const;
/** `Status.StatusCode`. */
export const STATUS_ERROR = 2;

/** `opentelemetry.proto.metrics.v1.HistogramDataPoint`. */
export interface HistogramPoint {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly count: string;
  readonly sum: number;
  readonly bucketCounts: readonly string[];
  readonly explicitBounds: readonly number[];
}

/** `opentelemetry.proto.metrics.v1.Metric` that is a histogram, cumulative. */
export interface HistogramMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly dataPoints: readonly HistogramPoint[];
}

/** Who sends: the resource, and the version of what has made the data. */
export interface Sender {
  readonly resource: Attributes;
  readonly version: string;
}

const CUMULATIVE = 2;

/** Milliseconds since the epoch, with a fraction, as nanoseconds in text. */
export const nanosOf = (ms: number): string => String(BigInt(Math.round(ms * 1_000)) * 1_000n);

/** Attributes in their encoding. Integers beyond 2^53, and numbers that are none, are left out. */
export function keyValuesOf(attributes: Attributes): readonly KeyValue[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    const encoded = value === undefined ? undefined : valueOf(value);
    return encoded === undefined ? [] : [{ key, value: encoded }];
  });
}

function valueOf(value: AttributeValue): KeyValue['value'] | undefined {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Number.isSafeInteger(value)) return { intValue: String(value) };
  return Number.isFinite(value) && !Number.isInteger(value) ? { doubleValue: value } : undefined;
}

/** Spans of a message, as `encodeTraces` takes them. */
export const encodeSpans = (spans: readonly Span[]): string => spans.map((span) => JSON.stringify(span)).join(',');

/**
 * An `ExportTraceServiceRequest`.
 *
 * @param encoded what `encodeSpans` has made, none of them empty: made one by one, as requests end, for all of a second at once
 *   would hold up everybody who shares the core
 */
export function encodeTraces(sender: Sender, encoded: readonly string[]): string {
  const [resource, scope] = [JSON.stringify(resourceOf(sender)), JSON.stringify(scopeOf(sender))];
  return `{"resourceSpans":[{"resource":${resource},"scopeSpans":[{"scope":${scope},"spans":[${encoded.join(',')}]}]}]}`;
}

/** An `ExportMetricsServiceRequest`. */
export function encodeMetrics(sender: Sender, metrics: readonly HistogramMetric[]): string {
  const encoded = metrics.map(({ dataPoints, ...metric }) => ({
    ...metric,
    histogram: { aggregationTemporality: CUMULATIVE, dataPoints },
  }));
  return JSON.stringify({
    resourceMetrics: [{ resource: resourceOf(sender), scopeMetrics: [{ scope: scopeOf(sender), metrics: encoded }] }],
  });
}

const resourceOf = ({ resource }: Sender) => ({ attributes: keyValuesOf(resource) });
const scopeOf = ({ version }: Sender) => ({ name: 'sallyport', version });
