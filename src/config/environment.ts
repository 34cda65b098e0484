import { parseDocument } from 'yaml';
import type { Mistake } from './mistake.ts';
import { mapLeaves } from './tree.ts';

/** What `SALLYPORT__…` variables begin with. Names with one underscore, such as SALLYPORT_CONFIG, are other things. */
export const ENV_PREFIX = 'SALLYPORT__';

/** One option that the environment sets. */
export interface Assignment {
  readonly name: string;
  readonly path: readonly (string | number)[];
  /** Its value read as YAML. */
  readonly value: unknown;
  /** Its value as it was written, for an option that is a text: an API key `0123` is no number. */
  readonly text: string;
}

/** Reads all `SALLYPORT__…` variables, in such an order that list items follow each other. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): {
  readonly assignments: readonly Assignment[];
  readonly mistakes: readonly Mistake[];
} {
  const assignments: Assignment[] = [];
  const mistakes: Mistake[] = [];
  const names = Object.keys(env).filter((name) => name.startsWith(ENV_PREFIX));
  for (const name of names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
    const text = env[name] ?? '';
    if (!/^SALLYPORT(__[A-Z0-9]+(_[A-Z0-9]+)*)+$/.test(name)) {
      const hint = 'Write the path in capitals, two underscores between its parts: SALLYPORT__LISTEN__PUBLIC_URL.';
      mistakes.push({ path: printable(name), found: 'no name of an option', hint });
      continue;
    }
    const document = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
    let value: unknown = text; // what is no YAML (a key that begins with @ or %) may still be a text
    try {
      if (document.errors.length === 0 && document.warnings.length === 0) value = document.toJS({ maxAliasCount: 0 });
    } catch {
      // an alias: stays a text
    }
    assignments.push({ name, path: pathOf(name), value: mapLeaves(value, (leaf) => leaf), text });
  }
  return { assignments, mistakes };
}

/** The variable that sets an option: `listen.publicUrl` is SALLYPORT__LISTEN__PUBLIC_URL. */
export function envNameOf(path: readonly (string | number)[]): string {
  return ENV_PREFIX + path.map((step) => String(step).replace(/[A-Z]/g, '_$&').toUpperCase()).join('__');
}

function pathOf(name: string): (string | number)[] {
  return name
    .slice(ENV_PREFIX.length)
    .split('__')
    .map((part) => {
      if (/^\d{1,4}$/.test(part)) return Number(part);
      return part.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    });
}

function printable(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '?').slice(0, 120);
}
