import type { Severity } from './advisory.ts';

/**
 * The base score of a CVSS 3.0 or 3.1 vector (CVSS v3.1 specification, section 7.1): 0 to 10, one decimal. Undefined
 * for every other text, also for vectors of version 2 and 4.
 */
export function cvssScore(vector: string): number | undefined {
  if (vector.length > MAX_CHARS || !/^CVSS:3\.[01]\//.test(vector)) return undefined;
  const metrics = new Map(vector.split('/').map((metric) => split(metric)));
  const weight = (name: string, weights: Readonly<Record<string, number>>): number => {
    const value = metrics.get(name) ?? '';
    return Object.hasOwn(weights, value) ? (weights[value] ?? Number.NaN) : Number.NaN;
  };
  const scope = metrics.get('S');
  if (scope !== 'U' && scope !== 'C') return undefined;
  const isChanged = scope === 'C';
  const loss = 1 - (1 - weight('C', LOSS)) * (1 - weight('I', LOSS)) * (1 - weight('A', LOSS));
  const impact = isChanged ? 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15 : 6.42 * loss;
  const privileges = weight('PR', isChanged ? PRIVILEGES_CHANGED : PRIVILEGES);
  const ease = 8.22 * weight('AV', VECTOR) * weight('AC', COMPLEXITY) * privileges * weight('UI', INTERACTION);
  if (Number.isNaN(impact + ease)) return undefined;
  if (impact <= 0) return 0;
  return roundUp(Math.min((isChanged ? 1.08 : 1) * (impact + ease), 10));
}

/** The class of a score, by the scale of CVSS v3.1, section 5. */
export function severityFrom(score: number): Severity {
  if (score < 4) return 'low';
  if (score < 7) return 'moderate';
  return score < 9 ? 'high' : 'critical';
}

const MAX_CHARS = 256;
const VECTOR = { N: 0.85, A: 0.62, L: 0.55, P: 0.2 };
const COMPLEXITY = { L: 0.77, H: 0.44 };
const PRIVILEGES = { N: 0.85, L: 0.62, H: 0.27 };
const PRIVILEGES_CHANGED = { N: 0.85, L: 0.68, H: 0.5 };
const INTERACTION = { N: 0.85, R: 0.62 };
const LOSS = { H: 0.56, L: 0.22, N: 0 };

function split(metric: string): readonly [string, string] {
  const colon = metric.indexOf(':');
  return colon < 0 ? [metric, ''] : [metric.slice(0, colon), metric.slice(colon + 1)];
}

/** Up to the next tenth, in whole numbers as appendix A does it, so that 4.02 from floats is not 4.1. */
function roundUp(score: number): number {
  const whole = Math.round(score * 100_000);
  return whole % 10_000 === 0 ? whole / 100_000 : (Math.floor(whole / 10_000) + 1) / 10;
}
