import type { JsonObject, JsonValue } from '../kernel/json.ts';
import { isJsonObject, memberOf } from '../kernel/json.ts';
import { isOwn, ownLineOf } from './line.ts';
import { base64OfHash, parseHash, type Hash } from './tree.ts';

/** What the log itself records. */
export type OwnRecord =
  /** The first of every segment; the log's first one has sequence 0. */
  | {
      readonly event: 'open';
      readonly log: string;
      /** `begin`: the log's first; `start`: the gateway has started; `size`: the segment before was full. */
      readonly why: 'begin' | 'start' | 'size';
      /** Whether what came before was closed in an orderly way. */
      readonly isAfterClose: boolean;
      /** Bytes of a torn last line that were cut off at this start. */
      readonly cutBytes: number;
      /** Records that this start found without a checkpoint over them, and has signed as they were. */
      readonly foundUnsigned: number;
      /** Milliseconds between the first and the last of these. */
      readonly unsignedMs: number;
      /** Log whose last checkpoint still lay there when this one began: it is gone, or was set aside. */
      readonly replaces: string | undefined;
      /** Frontier of the tree before this record: a start reads no segment but the last. */
      readonly frontier: readonly Hash[];
    }
  /** The gateway has stopped in an orderly way: nothing comes behind it in this segment. */
  | { readonly event: 'close'; readonly log: string }
  /** Records that could not be written. */
  | {
      readonly event: 'gap';
      readonly lost: number;
      readonly fromMs: number;
      readonly untilMs: number;
      readonly reason: string;
    }
  /** The clock of the machine was set back. */
  | { readonly event: 'clock'; readonly fromMs: number; readonly toMs: number }
  /** From here on another key signs; the checkpoint over this record is still the old one's. */
  | { readonly event: 'rotate-key'; readonly from: string; readonly to: string }
  /** Records before this sequence number are deleted by retention. */
  | { readonly event: 'retain'; readonly deletedBefore: number };

/** Release of OCSF whose form the records have. */
const OCSF = '1.8.0';

/**
 * The line of what the log itself records: an OCSF event (Application Lifecycle, 6002) with the log's own part in
 * `unmapped.audit_log`.
 */
export function ownLine(record: OwnRecord, sequence: number, timeMs: number): string {
  const { event, ...rest } = record;
  const product = { name: 'sallyport', vendor_name: 'sallyport' };
  const own = 'frontier' in rest ? { ...rest, frontier: rest.frontier.map(base64OfHash) } : rest;
  const members = JSON.stringify({ version: OCSF, product }).slice(1, -1);
  const body = {
    time: timeMs,
    category_uid: 6,
    class_uid: 6002,
    activity_id: 99,
    activity_name: event,
    type_uid: 600299,
    severity_id: event === 'gap' || event === 'clock' ? 3 : 1,
    app: product,
    unmapped: { audit_log: own },
  };
  return ownLineOf(event, `${members}},${JSON.stringify(body).slice(1)}`, sequence);
}

/** What the log itself has recorded in this line; undefined for others' records. */
export function readOwn(line: Uint8Array): OwnRecord | undefined {
  if (!isOwn(line)) return undefined;
  const value = objectOf(line);
  const own = memberOf(memberOf(value, 'unmapped'), 'audit_log');
  const event = memberOf(value, 'activity_name');
  return isJsonObject(own) && typeof event === 'string' ? ownFrom(event, own) : undefined;
}

/** The time of a record, milliseconds since the epoch; undefined where it has none. */
export function timeOf(line: Uint8Array): number | undefined {
  const time = memberOf(objectOf(line), 'time');
  return typeof time === 'number' ? time : undefined;
}

function objectOf(line: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(Buffer.from(line).toString()) as JsonValue;
  } catch {
    return undefined; // a damaged line says nothing; that it is damaged, its hash tells
  }
}

const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '');

function ownFrom(event: string, own: JsonObject): OwnRecord | undefined {
  const text = (name: string): string => textOf(memberOf(own, name));
  const count = (name: string): number => Number(memberOf(own, name) ?? 0);
  switch (event) {
    case 'open': {
      const why = (['begin', 'start', 'size'] as const).find((one) => one === text('why')) ?? 'start';
      const written = memberOf(own, 'frontier');
      const frontier = (Array.isArray(written) ? written : []).map((one) => parseHash(textOf(one)));
      if (!frontier.every((one) => one !== undefined)) return undefined;
      const isAfterClose = memberOf(own, 'isAfterClose') === true;
      const replaces = text('replaces') || undefined;
      const found = { foundUnsigned: count('foundUnsigned'), unsignedMs: count('unsignedMs') };
      return { event, log: text('log'), why, isAfterClose, cutBytes: count('cutBytes'), ...found, replaces, frontier };
    }
    case 'close':
      return { event, log: text('log') };
    case 'gap': {
      const [fromMs, untilMs] = [count('fromMs'), count('untilMs')];
      return { event, lost: count('lost'), fromMs, untilMs, reason: text('reason') };
    }
    case 'clock':
      return { event, fromMs: count('fromMs'), toMs: count('toMs') };
    case 'rotate-key':
      return { event, from: text('from'), to: text('to') };
    case 'retain':
      return { event, deletedBefore: count('deletedBefore') };
    default:
      return undefined;
  }
}
