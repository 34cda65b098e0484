import { ACR, STRENGTHS, type Strength } from '../strength.ts';

/** What is taken of a provider's ID token. */
export interface ProviderClaims {
  readonly subject: string;
  /** What the person is called there, at most 96 characters. */
  readonly name: string;
  readonly groups: readonly string[];
  readonly strength: Strength;
  /** When they signed in there, in seconds since the epoch; undefined where that is not said. */
  readonly authenticatedAtS: number | undefined;
}

/** Names of RFC 8176 §2; others are not repeated in tokens of ours. */
const METHODS: ReadonlySet<string> = new Set(
  'face fpt geo hwk iris kba mca mfa otp pin pop pwd rba retina sc sms swk tel user vbm wia'.split(' '),
);
/** Something that somebody has, and something that they know or are: both together are two factors. */
const HAD: ReadonlySet<string> = new Set(['hwk', 'otp', 'pop', 'sc', 'sms', 'swk', 'tel']);
const KNOWN: ReadonlySet<string> = new Set(['face', 'fpt', 'iris', 'kba', 'pin', 'pwd', 'retina', 'vbm']);
const MAX_GROUPS = 1_000;
const MAX_NAME = 96;

/** Reads the claims of an ID token that was found good; whatever is not of its form is as if it were not there. */
export function providerClaimsOf(claims: Readonly<Record<string, unknown>>): ProviderClaims {
  const subject = String(claims['sub']);
  return {
    subject,
    name: nameOf([claims['preferred_username'], claims['email'], claims['name']]) ?? nameOf([subject]) ?? '',
    groups: textsOf(claims['groups']).slice(0, MAX_GROUPS),
    strength: strengthOf(textsOf(claims['amr']).filter((one) => METHODS.has(one))),
    authenticatedAtS: Number.isSafeInteger(claims['auth_time']) ? Number(claims['auth_time']) : undefined,
  };
}

/** The groups of ours that somebody is in by those of the provider. */
export function ownGroupsOf(groups: readonly string[], map: Readonly<Record<string, string>>): readonly string[] {
  // Own members only: a group called `constructor` must not find one that every object has.
  const found = groups.flatMap((group) => (Object.hasOwn(map, group) ? (map[group] ?? []) : []));
  return [...new Set(found)].sort();
}

function strengthOf(amr: readonly string[]): Strength {
  const isStrong = amr.includes('mfa') || (amr.some((one) => HAD.has(one)) && amr.some((one) => KNOWN.has(one)));
  return isStrong
    ? { acr: ACR.mfa, amr: [...new Set([...amr, 'mfa'])] }
    : { acr: ACR.password, amr: amr.length === 0 ? STRENGTHS.password.amr : amr };
}

const textsOf = (value: unknown): readonly string[] =>
  [value].flat().filter((one): one is string => typeof one === 'string');

/** The first that is a text, without what could disguise it. */
function nameOf(values: readonly unknown[]): string | undefined {
  for (const value of values) {
    if (typeof value !== 'string') continue;
    const name = value
      .replace(/[\p{C}\p{Z}]+/gu, ' ')
      .trim()
      .slice(0, MAX_NAME)
      .trim();
    if (name !== '') return name;
  }
  return undefined;
}
