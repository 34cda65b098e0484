import { isJsonObject, type JsonObject } from '../../kernel/json.ts';
import { answerObject } from './answer.ts';
import { excerpt, type Answer, type HttpFormat, type Parcel, type Sender, type Verdict } from './parcel.ts';

/** Numbers of severity (OpenTelemetry, logs data model) by severity of OCSF. */
const SEVERITIES: Readonly<Record<number, readonly [number, string]>> = {
  1: [9, 'INFO'],
  2: [10, 'INFO2'],
  3: [13, 'WARN'],
  4: [17, 'ERROR'],
  5: [21, 'FATAL'],
  6: [24, 'FATAL4'],
};

/** Logs of OpenTelemetry's protocol in JSON (OTLP/HTTP 1.x, `/v1/logs`). The body of each is the record as text. */
export const otlpFormat: HttpFormat = {
  contentType: 'application/json',
  bodyOf: (parcels, sender) =>
    JSON.stringify({
      resourceLogs: [
        {
          resource: { attributes: resourceOf(sender) },
          scopeLogs: [{ scope: { name: 'sallyport.audit-log' }, logRecords: parcels.map(recordOf) }],
        },
      ],
    }),
  verdictOf: (answer) => (answer.status === 200 ? partOf(answer) : verdictOfStatus(answer)),
};

const attribute = (key: string, stringValue: string): JsonObject => ({ key, value: { stringValue } });

const resourceOf = ({ host, version, origin }: Sender): JsonObject[] => [
  attribute('service.name', 'sallyport'),
  attribute('service.version', version),
  attribute('host.name', host),
  attribute('sallyport.audit_log.origin', origin),
];

function recordOf({ line, sequence, timeMs, severity, kind }: Parcel): JsonObject {
  const [severityNumber, severityText] = SEVERITIES[severity] ?? [9, 'INFO'];
  const nanos = `${BigInt(Math.max(0, Math.trunc(timeMs))) * 1_000_000n}`;
  return {
    ...{ timeUnixNano: nanos, observedTimeUnixNano: nanos, severityNumber, severityText },
    body: { stringValue: line },
    attributes: [
      { key: 'sallyport.audit_log.sequence', value: { intValue: String(sequence) } },
      attribute('sallyport.audit_log.kind', kind),
    ],
  };
}

/** "The client MUST NOT retry the request when it receives a partial success response." */
function partOf({ body }: Answer): Verdict {
  const part = answerObject(body)?.['partialSuccess'];
  const rejected = isJsonObject(part) ? Number(part['rejectedLogRecords'] ?? 0) : 0;
  if (!Number.isSafeInteger(rejected) || rejected <= 0) return { kind: 'taken', dropped: 0 };
  const message = isJsonObject(part) ? part['errorMessage'] : undefined;
  return { kind: 'taken', dropped: rejected, why: typeof message === 'string' ? excerpt(message) : 'no reason' };
}

function verdictOfStatus({ status, afterMs }: Answer): Verdict {
  const why = `it answered ${status}`;
  // 400 says that the data is at fault; 401, 403 and 404 are mended by the operator, and until then nothing is given up.
  if (status === 400 || status === 413) return { kind: 'refused', why };
  return { kind: 'again', why, ...(afterMs === undefined ? {} : { afterMs }) };
}
