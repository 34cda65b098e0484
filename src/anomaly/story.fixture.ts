import type { AuditRecord, RequestRecord } from '../kernel/record.ts';
import { createDetector, type Detector, type DetectorOptions, type Finding } from './detector.ts';

/** What of a request is said; all else is as with a chat that was answered. */
export type Said = Partial<RequestRecord> & Pick<RequestRecord, 'timeMs' | 'network'>;

/** The record of a request. */
export const requestRecord = (said: Said): RequestRecord => ({
  kind: 'request',
  requestId: '',
  durationMs: 900,
  firstByteMs: 120,
  outcome: said.code === undefined ? 'answer' : 'denial',
  status: 200,
  code: undefined,
  why: undefined,
  address: said.network,
  userAgent: undefined,
  keyId: undefined,
  issuer: undefined,
  subject: undefined,
  clientId: undefined,
  tokenHash: undefined,
  tenant: undefined,
  owner: undefined,
  member: undefined,
  method: 'POST',
  route: 'chat-completions',
  path: '',
  model: undefined,
  upstream: 'main',
  isStream: true,
  promptTokens: undefined,
  cachedTokens: undefined,
  completionTokens: undefined,
  logprobs: undefined,
  likeness: undefined,
  ...said,
});

/** A Monday at midnight. */
export const MONDAY_MS = Date.UTC(2029, 9, 1);
/** Milliseconds. */
export const SECOND = 1_000;
/** Milliseconds. */
export const MINUTE = 60 * SECOND;
/** Milliseconds. */
export const HOUR = 60 * MINUTE;
/** Milliseconds. */
export const DAY = 24 * HOUR;
/** Where the key of a story is usually used from. */
export const OFFICE = '198.51.100.7';
/** Another place, far from it. */
export const ELSEWHERE = '203.0.113.9';
/** The key of a story, as findings name it. */
export const KEY = 'key:Ab12cd';

/** A key, what is done with it, and what is found. */
export interface Story {
  readonly detector: Detector;
  readonly findings: readonly Finding[];
  nowMs(): number;
  /** Lets time pass by the minute. */
  pass(ms: number): void;
  /** A request of the key as it usually asks, but for what is said. */
  ask(said?: Partial<RequestRecord>): void;
  /** So many requests, the first one now. */
  row(count: number, gapMs: number, said?: (i: number) => Partial<RequestRecord>): void;
  /** Days with ten requests an hour from 8 to 18. */
  days(count: number, said?: (i: number) => Partial<RequestRecord>): void;
  hear(record: AuditRecord): void;
}

/** Begins on a Monday at midnight, with a key that nobody knows. */
export function createStory(options: DetectorOptions = {}): Story {
  const detector = createDetector(options);
  const findings: Finding[] = [];
  let nowMs = MONDAY_MS;
  let asked = 0;
  const hear = (record: AuditRecord): void => void findings.push(...detector.hear(record));

  function pass(ms: number): void {
    const untilMs = nowMs + ms;
    for (; nowMs + MINUTE < untilMs; nowMs += MINUTE) findings.push(...detector.tick(nowMs));
    nowMs = untilMs;
    findings.push(...detector.tick(nowMs));
  }
  function ask(said: Partial<RequestRecord> = {}): void {
    const usual = { keyId: 'Ab12cd', tenant: 'team', userAgent: 'OpenAI/Python 1.2.3', model: 'tiny' };
    const sizes = { promptTokens: 900 + (asked % 7) * 50, completionTokens: 120, likeness: unlike(asked++) };
    hear(requestRecord({ timeMs: nowMs, network: OFFICE, ...usual, ...sizes, ...said }));
  }
  function row(count: number, gapMs: number, said: (i: number) => Partial<RequestRecord> = () => ({})): void {
    for (let i = 0; i < count; i++) {
      ask(said(i));
      pass(gapMs);
    }
  }
  return {
    detector,
    findings,
    nowMs: () => nowMs,
    pass,
    ask,
    row,
    hear,
    days(count, said = () => ({})) {
      for (let day = 0; day < count; day++) {
        pass(8 * HOUR);
        row(100, 6 * MINUTE, said);
        pass(6 * HOUR);
      }
    },
  };
}

/** A likeness for each number, far from all others. */
export function unlike(number: number): string {
  const half = (seed: number): string => {
    let h = Math.imul(number + seed, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return ((h ^ (h >>> 16)) >>> 0).toString(16).padStart(8, '0');
  };
  return half(1) + half(1_000_003);
}

/** A likeness that differs in these bits. */
export const alike = (likeness: string, bits: number): string =>
  (BigInt(`0x${likeness}`) ^ BigInt(bits)).toString(16).padStart(16, '0');

/** Something that a rule must find, or must not. */
export interface Sample {
  /** A claim. */
  readonly name: string;
  readonly tell: (story: Story) => void;
  /** What the finding is about; the key of the story where it is left out. */
  readonly subject?: string;
  /** What is wished; `tell` where it is left out. */
  readonly wish?: Finding['wish'];
}

/** Samples of a rule. */
export interface Samples {
  readonly rule: string;
  readonly fires: readonly Sample[];
  readonly silent: readonly Sample[];
}

/** A request with an invalid key. */
export const wrong = (network: string) => ({
  keyId: undefined,
  tenant: undefined,
  network,
  code: 'invalid_credential' as const,
  status: 401,
  route: undefined,
  path: '/v1/models',
});
