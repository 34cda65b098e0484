/** How bad a finding is. From `high` on the installation is not well. */
export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'info';

/** Something about the installation that its operator is to know. */
export interface Finding {
  /** Stable, such as `vllm_reachable_around`. */
  readonly id: string;
  readonly severity: Severity;
  /** What was found, in a sentence. */
  readonly what: string;
  /** The line that mends it: a command, an option, or what to do. */
  readonly mend: string;
}

const ORDER: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

/** The findings, worst first; within a severity as they were found. */
export const worstFirst = <One extends Pick<Finding, 'severity'>>(findings: readonly One[]): One[] =>
  findings.toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));

/** Whether nothing was found that exposes vLLM or the gateway. */
export const isWell = (findings: readonly Pick<Finding, 'severity'>[]): boolean =>
  findings.every(({ severity }) => severity !== 'critical' && severity !== 'high');
