import { nearest } from '../kernel/nearest.ts';
import { isScope, SCOPES, type Scope } from '../kernel/scope.ts';

/** Scopes as people write them, read; or what is wrong with one of them. */
export type ReadScopes =
  | { readonly ok: true; readonly scopes: readonly Scope[] }
  | { readonly ok: false; readonly index: number; readonly hint: string };

/**
 * Reads scopes. A word without a colon takes the part before the colon of the one before it, so that
 * `inference:chat,completions` is two scopes. Each comes out once.
 */
export function readScopes(words: readonly string[]): ReadScopes {
  const scopes = new Set<Scope>();
  let family = '';
  for (const [index, word] of words.entries()) {
    const full = word.includes(':') ? word : `${family}${word}`;
    if (!isScope(full)) return { ok: false, index, hint: hintFor(word) };
    family = full.slice(0, full.indexOf(':') + 1);
    scopes.add(full);
  }
  return { ok: true, scopes: [...scopes] };
}

function hintFor(word: string): string {
  const near =
    nearest(word, SCOPES) ?? SCOPES.find((scope) => scope.slice(scope.indexOf(':') + 1) === nearest(word, tails));
  const known = near === undefined ? `There are: ${SCOPES.join(', ')}.` : `Did you mean ${near}?`;
  return `There is no scope "${word.slice(0, 64)}". ${known}`;
}

const tails = SCOPES.map((scope) => scope.slice(scope.indexOf(':') + 1));
