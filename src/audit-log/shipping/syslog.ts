import type { AuditKind } from '../entry.ts';
import { timeText, type Parcel, type Sender } from './parcel.ts';

/** Facility 13 is "log audit" (RFC 5424 §6.2.1). */
const FACILITY = 13;
/** By severity of OCSF; what is not known is informational. */
const SEVERITIES: Readonly<Record<number, number>> = { 1: 6, 2: 5, 3: 4, 4: 3, 5: 2, 6: 1 };
/** Private enterprise number of documentation (RFC 5612): the product has none of its own. */
const SD_ID = 'sallyport@32473';
/** What the header and the structured data take at most. */
export const SYSLOG_HEAD_BYTES = 512;

/**
 * Frames of RFC 5425: each message of RFC 5424 behind its length in bytes. A receiver that counts cannot be made to see two
 * messages in one, whatever stands in it.
 */
export const syslogFrames = (parcels: readonly Parcel[], sender: Sender): Buffer =>
  Buffer.concat(parcels.map((parcel) => framed(syslogMessage(parcel, sender))));

/** One frame. */
export function framed(text: string): Buffer {
  const message = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

/** A message of RFC 5424: the record as it stands in the log, its place there as structured data. */
export const syslogMessage = ({ sequence, line, timeMs, severity, kind }: Parcel, { origin, host }: Sender): string =>
  syslogText(severity, timeMs, host, kind, { log: origin, sequence: String(sequence) }, line);

/** The same of whatever text. */
export function syslogText(
  severity: number,
  timeMs: number,
  host: string,
  messageId: AuditKind | 'checkpoint',
  data: Readonly<Record<string, string>>,
  text: string,
): string {
  const priority = FACILITY * 8 + (SEVERITIES[severity] ?? 6);
  const parameters = Object.entries(data).map(([name, value]) => ` ${name}="${value.replace(/["\\\]]/g, '\\$&')}"`);
  const head = `<${priority}>1 ${timeText(timeMs)} ${word(host, 255)} sallyport - ${messageId}`;
  return `${head} [${SD_ID}${parameters.join('')}] ${text}`;
}

/** Printable ASCII without spaces, or the word for nothing. */
const word = (text: string, most: number): string => text.replace(/[^\x21-\x7e]/g, '').slice(0, most) || '-';
