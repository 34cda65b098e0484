import { answerObject } from './answer.ts';
import { excerpt, type HttpFormat, type Verdict } from './parcel.ts';

/**
 * Codes by which the HTTP Event Collector says that an event itself is at fault ("Troubleshoot HTTP Event Collector"): no
 * data, invalid data format, event field required, event field blank, indexed fields. All others are about the token, the
 * index or the server, and mended there.
 */
const EVENT_AT_FAULT: ReadonlySet<number> = new Set([5, 6, 12, 13, 15]);

/** Events of Splunk's HTTP Event Collector: JSON objects one after another. */
export const splunkFormat: HttpFormat = {
  contentType: 'application/json',
  bodyOf: (parcels, { host, origin }) =>
    parcels
      .map(({ line, sequence, timeMs }) => {
        const about = { time: timeMs / 1000, host, source: 'sallyport', sourcetype: '_json' };
        const fields = { log: origin, sequence: String(sequence) };
        return `${JSON.stringify({ ...about, fields }).slice(0, -1)},"event":${line}}`;
      })
      .join('\n'),
  verdictOf({ status, body, afterMs }): Verdict {
    const answer = answerObject(body);
    const code = answer?.['code'];
    if (status === 200 && code === 0) return { kind: 'taken', dropped: 0 };
    const text = typeof answer?.['text'] === 'string' ? `: ${excerpt(answer['text'])}` : '';
    const why = `it answered ${status}${text}`;
    if (status === 413 || (status === 400 && typeof code === 'number' && EVENT_AT_FAULT.has(code)))
      return { kind: 'refused', why };
    return { kind: 'again', why, ...(afterMs === undefined ? {} : { afterMs }) };
  },
};
