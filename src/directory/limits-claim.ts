import { isJsonObject, type JsonObject, type JsonValue } from '../kernel/json.ts';
import { formatBudget, parseBudget, type OwnLimit, type OwnLimits } from '../kernel/own-limits.ts';

/** Limits as a token says them: `{"rpm","tpm","concurrency","budgetTokens"}`, the names of the commands. */
export function limitsClaim({ requestsPerMinute, tokensPerMinute, concurrency, budget }: OwnLimits): JsonObject {
  return {
    ...(requestsPerMinute === undefined ? {} : { rpm: requestsPerMinute }),
    ...(tokensPerMinute === undefined ? {} : { tpm: tokensPerMinute }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(budget === undefined ? {} : { budgetTokens: budget === 'none' ? budget : formatBudget(budget) }),
  };
}

/** Reads such a claim; undefined for what is none: what is no limit must not be read as none. */
export function limitsFromClaim(claim: JsonValue | undefined): OwnLimits | undefined {
  if (claim === undefined) return {};
  if (!isJsonObject(claim)) return undefined;
  const { rpm, tpm, concurrency, budgetTokens } = claim;
  if (!isOwnLimit(rpm) || !isOwnLimit(tpm) || !isOwnLimit(concurrency)) return undefined;
  const budget = budgetFrom(budgetTokens);
  if (budget === undefined && budgetTokens !== undefined) return undefined;
  return { requestsPerMinute: rpm, tokensPerMinute: tpm, concurrency, budget };
}

/** As the admin API takes them. */
const MOST = 1_000_000_000_000;

const isOwnLimit = (value: JsonValue | undefined): value is OwnLimit =>
  value === undefined ||
  value === 'none' ||
  (typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= MOST);

function budgetFrom(value: JsonValue | undefined): OwnLimits['budget'] {
  if (typeof value !== 'string') return undefined;
  return value === 'none' ? value : parseBudget(value);
}
