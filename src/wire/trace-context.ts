import { callSpanId, type TraceContext } from '../kernel/trace.ts';

/** What a `traceparent` says. */
export interface TraceParent {
  readonly traceId: string;
  readonly parentSpanId: string;
  readonly isSampled: boolean;
  readonly isRandom: boolean;
}

const SAMPLED = 0x01;
const RANDOM = 0x02;

/**
 * Reads a `traceparent` (W3C Trace Context, level 2, §3.2). Undefined where it is malformed: then a new trace begins. Of
 * versions to come only what version 00 has is read; two headers, joined by a comma, are none.
 */
export function parseTraceParent(text: string): TraceParent | undefined {
  if (text.length > MAX_PARENT_CHARS) return undefined;
  const [, version, traceId, parentSpanId, flags, more] = PARENT.exec(text) ?? [];
  if (traceId === undefined || parentSpanId === undefined || flags === undefined) return undefined;
  if (version === 'ff' || (version === '00' && more !== '')) return undefined;
  if (isZero(traceId) || isZero(parentSpanId)) return undefined;
  const bits = Number.parseInt(flags, 16);
  return { traceId, parentSpanId, isSampled: (bits & SAMPLED) !== 0, isRandom: (bits & RANDOM) !== 0 };
}

const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})((?:-[\x21-\x2b\x2d-\x7e]*)?)$/;
const MAX_PARENT_CHARS = 512;

const isZero = (id: string): boolean => /^0+$/.test(id);

/** A `traceparent` of a request's call to upstream. */
export function traceParentOf({ traceId, spanId, isSampled, isRandom }: TraceContext): string {
  const flags = (isSampled ? SAMPLED : 0) | (isRandom ? RANDOM : 0);
  return `00-${traceId}-${callSpanId(spanId)}-0${flags}`;
}

/**
 * Reads a `tracestate` (§3.3): at most 32 members and 512 characters, each key once. Undefined where it is anything else:
 * it is then left out, and the trace joined all the same.
 */
export function parseTraceState(text: string): string | undefined {
  if (text.length > MAX_STATE_CHARS) return undefined;
  const members = text
    .split(',')
    .map((member) => member.replace(/^[\t ]+|[\t ]+$/g, ''))
    .filter((member) => member !== '');
  if (members.length === 0 || members.length > MAX_MEMBERS) return undefined;
  if (!members.every((member) => MEMBER.test(member))) return undefined;
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf('='))));
  return keys.size === members.length ? members.join(',') : undefined;
}

const MAX_STATE_CHARS = 512;
const MAX_MEMBERS = 32;
const MEMBER = /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
