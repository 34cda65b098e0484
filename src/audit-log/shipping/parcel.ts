import { isJsonObject, type JsonValue } from '../../kernel/json.ts';
import { kindOfClass, type AuditKind } from '../entry.ts';

/** A record as it is sent: the text of the log, and what formats say of it outside of that. */
export interface Parcel {
  readonly sequence: number;
  /** One JSON object in one line, without newline or other control characters. */
  readonly line: string;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** OCSF: 1 informational to 5 critical. */
  readonly severity: number;
  readonly kind: AuditKind;
}

/** The log that parcels are of, and the machine that it was written on. */
export interface Sender {
  /** `sallyport/` and 16 hexadecimal digits. */
  readonly origin: string;
  readonly host: string;
  readonly version: string;
}

/** What a destination has done with a batch. */
export type Verdict =
  /** It has the batch, but for so many records that it will never take. */
  | { readonly kind: 'taken'; readonly dropped: number; readonly why?: string }
  /** It has not, or not all of it: the same is sent again. Nothing in the records is at fault. */
  | { readonly kind: 'again'; readonly why: string; readonly afterMs?: number }
  /** It will never take this batch as it is; a part of it perhaps. */
  | { readonly kind: 'refused'; readonly why: string };

/** An answer over HTTP. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** Of `retry-after`. */
  readonly afterMs: number | undefined;
}

/** A way to write batches for a destination over HTTP, and to read what it says of them. */
export interface HttpFormat {
  readonly contentType: string;
  bodyOf(parcels: readonly Parcel[], sender: Sender): string;
  verdictOf(answer: Answer, parcels: readonly Parcel[]): Verdict;
}

/** A line that is no JSON object, or is larger than what the destination takes, must not hold up all that follow it. */
const PLACEHOLDER_SEVERITY = 3;

/**
 * Makes a line of the log ready to be sent. One that was damaged on the disk, or is too large, is replaced by a record that
 * says so: where it is, and how large.
 */
export function parcelOf(line: string, sequence: number, maxBytes: number): Parcel {
  const event = objectOf(line);
  const text = event === undefined ? line : withoutControls(line);
  const bytes = Buffer.byteLength(text);
  const member = (name: string): number => (event === undefined ? 0 : Number(event[name] ?? 0) || 0);
  const facts = { sequence, timeMs: member('time'), kind: kindOfClass(member('class_uid')) };
  if (event !== undefined && bytes <= maxBytes) return { ...facts, line: text, severity: member('severity_id') };
  const why = event === undefined ? 'unreadable' : 'too-large';
  const instead = {
    metadata: { sequence },
    time: facts.timeMs,
    unmapped: { audit_log: { event: 'not-sent', why, bytes } },
  };
  return { ...facts, line: JSON.stringify(instead), severity: PLACEHOLDER_SEVERITY };
}

/** JSON that means the same: a receiver that splits at such a character sees one message (log forging). */
const withoutControls = (line: string): string =>
  line.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;

function objectOf(line: string): Readonly<Record<string, JsonValue | undefined>> | undefined {
  // A tab between members is JSON, and one that we never write.
  if (WHITE.test(line)) return undefined;
  try {
    const value = JSON.parse(line) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

// Of Cc the others are escaped.
const WHITE = /(?![\u007f-\u009f])\p{Cc}/u;

/** RFC 3339. Of a damaged time the epoch. */
export function timeText(timeMs: number): string {
  const isTime = Number.isInteger(timeMs) && timeMs >= 0 && timeMs < MAX_TIME_MS;
  return new Date(isTime ? timeMs : 0).toISOString();
}

/** The year 10000: from there on the text has another form. */
const MAX_TIME_MS = 253_402_300_800_000;

/** The beginning of what somebody else has answered: enough for an operator, and never a second line in our log. */
export const excerpt = (text: string): string =>
  text
    .slice(0, 120)
    .replace(/[^\x20-\x7e]/g, ' ')
    .trim();
