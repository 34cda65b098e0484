import { isWell, type Severity, worstFirst } from '../kernel/finding.ts';
import { checks } from './checks/index.ts';
import type { ReviewFacts } from './facts.ts';

/** One finding of a review. */
export interface ReviewFinding {
  /** Id of the check. */
  readonly id: string;
  readonly severity: Severity;
  /** Whom it is about: `api-keys/Ab12Cd`. */
  readonly subject: string;
  readonly what: string;
  readonly evidence: readonly string[];
  /** Sequence numbers of records of the audit log about it, the newest first. */
  readonly records: readonly number[];
  readonly mend: string;
  readonly standard: string;
  /** Whether the review before had not found it. */
  readonly isNew: boolean;
}

/** What a review has come to. */
export interface Review {
  /** `r_` and the time, so that they sort. */
  readonly id: string;
  readonly at: string;
  /** Nothing of severity high or critical was found. */
  readonly ok: boolean;
  /** Worst first. */
  readonly findings: readonly ReviewFinding[];
  /** What the review before had found and this one has not: check and subject. */
  readonly gone: readonly { readonly id: string; readonly subject: string; readonly what: string }[];
  /** Id of the review before. */
  readonly previous: string | null;
}

/** Subjects whose records are looked up, the worst first: each is a question to the index of the log. */
const MAX_LOOKED_UP = 50;

/** Looks up records of the audit log about a subject, at most three. */
export type RecordsOf = (subject: string) => Promise<readonly number[]>;

/**
 * Runs every check.
 *
 * @param before the last review, undefined for the first one
 */
export async function review(facts: ReviewFacts, before: Review | undefined, recordsOf: RecordsOf): Promise<Review> {
  const known = new Set(before?.findings.map(nameOf));
  const found = worstFirst(
    checks.flatMap((check) => {
      const { id, severity, mend, standard } = check;
      return check.run(facts).map((one) => ({ id, severity, standard, mend, ...one }));
    }),
  );
  const records = new Map<string, readonly number[]>();
  for (const { subject } of found) {
    if (!records.has(subject) && records.size < MAX_LOOKED_UP) records.set(subject, await recordsOf(subject));
  }
  const findings = found.map((one) => ({
    ...one,
    records: records.get(one.subject) ?? [],
    isNew: before !== undefined && !known.has(nameOf(one)),
  }));
  const here = new Set(findings.map(nameOf));
  return {
    id: `r_${new Date(facts.nowMs).toISOString().replace(/[-:]/g, '').replace('.', '_')}`,
    at: new Date(facts.nowMs).toISOString(),
    ok: isWell(findings),
    findings,
    gone: (before?.findings ?? [])
      .filter((one) => !here.has(nameOf(one)))
      .map(({ id, subject, what }) => ({ id, subject, what })),
    previous: before?.id ?? null,
  };
}

const nameOf = ({ id, subject }: { readonly id: string; readonly subject: string }): string => `${id} ${subject}`;
