import type { Severity } from '../kernel/finding.ts';
import type { ReviewFacts } from './facts.ts';

/** One thing that a check has found. */
export interface Found {
  /** Whom it is about, as the admin API names it: `api-keys/Ab12Cd`. */
  readonly subject: string;
  /** In a sentence. */
  readonly what: string;
  /** What shows it: numbers and dates. */
  readonly evidence: readonly string[];
  /** The line that mends this one, where that of the check is not it. */
  readonly mend?: string;
}

/** One rule of a review. Each is a file of `checks/`, and one line in its list. */
export interface Check {
  /** Stable, such as `key-without-expiry`. */
  readonly id: string;
  readonly severity: Severity;
  readonly title: string;
  /** Where it is asked for. */
  readonly standard: string;
  readonly mend: string;
  run(facts: ReviewFacts): readonly Found[];
}

const DAY_MS = 86_400_000;

/** Whole days between two times. */
export const daysBetween = (fromMs: number, toMs: number): number => Math.floor((toMs - fromMs) / DAY_MS);

/** A day, as people write it. */
export const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);

/** Whole days for which something was not used; what never was counts from its making. */
export const idleDays = (createdAtMs: number, lastUseMs: number | undefined, nowMs: number): number =>
  daysBetween(Math.max(createdAtMs, lastUseMs ?? 0), nowMs);

/** The one thing that is found where something is so. */
export const foundWhere = (isSo: boolean, subject: string, what: string, evidence: string): Found[] =>
  isSo ? [{ subject, what, evidence: [evidence] }] : [];

/** When something was made and last used. */
export const useOf = (createdAtMs: number, lastUseMs: number | undefined): string =>
  `made on ${dayOf(createdAtMs)}, ${lastUseMs === undefined ? 'never used' : `last used on ${dayOf(lastUseMs)}`}`;

/** Scopes that administer. */
export const isAdmin = (scopes: readonly string[]): boolean =>
  scopes.some((scope) => scope === 'admin:write' || scope === 'admin:read' || scope === 'audit:read');
