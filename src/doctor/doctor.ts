import { checks } from './checks/index.ts';
import { isWell, worstFirst, type Finding } from '../kernel/finding.ts';
import type { Installation, Machine } from './installation.ts';

/** What the doctor says. */
export interface Diagnosis {
  readonly ok: boolean;
  /** Worst first. */
  readonly findings: readonly Finding[];
}

/** Looks at an installation with every check. */
export async function diagnose(installation: Installation, machine: Machine): Promise<Diagnosis> {
  const findings = worstFirst((await Promise.all(checks.map((check) => check(installation, machine)))).flat());
  return { ok: isWell(findings), findings };
}
