import type { Scope } from '../kernel/scope.ts';

/** Who needs a second factor. */
export type RequireSecondFactor = 'none' | 'admins' | 'all';

/** Authentication context classes (RFC 9470 §4): by password alone, and by a second factor beside it. */
export const ACR = { password: 'urn:sallyport:acr:password', mfa: 'urn:sallyport:acr:mfa' } as const;

/** How somebody has signed in, as tokens say it (RFC 8176). */
export interface Strength {
  readonly acr: string;
  readonly amr: readonly string[];
}

/** By password alone, and with a code beside it. */
export const STRENGTHS = {
  password: { acr: ACR.password, amr: ['pwd'] },
  mfa: { acr: ACR.mfa, amr: ['pwd', 'otp', 'mfa'] },
} as const satisfies Record<string, Strength>;

/**
 * By a passkey that has verified its person, which is two factors in one.
 *
 * @param isSynced whether the key may be on several devices: then no hardware holds it
 */
export const passkeyStrength = (isSynced: boolean, hasPassword: boolean): Strength => ({
  acr: ACR.mfa,
  amr: [...(hasPassword ? ['pwd'] : []), isSynced ? 'swk' : 'hwk', 'user', 'mfa'],
});

const isAdministrative = (scope: Scope): boolean => scope.startsWith('admin:') || scope === 'audit:read';

/** Whether a scope can be granted only to somebody who has signed in with a second factor. */
export function needsSecondFactor(scope: Scope, require: RequireSecondFactor): boolean {
  return require === 'all' || (require === 'admins' && isAdministrative(scope));
}
