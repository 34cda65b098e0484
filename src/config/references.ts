import { resolve } from 'node:path';
import { pathText, type Fault, type Path } from './mistake.ts';
import { mapLeaves } from './tree.ts';

/** A tree in which `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}` have been replaced. */
export interface Resolved {
  readonly tree: unknown;
  readonly faults: readonly Fault[];
  /** Paths (as text) whose value came from elsewhere: it is never shown. */
  readonly hidden: ReadonlySet<string>;
  /** Files that were read, absolute, with the path of the option that names each. */
  readonly files: readonly { readonly file: string; readonly path: Path }[];
}

const REFERENCE = /\$\{([^}]*)\}/g;

/** Where references lead. */
export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Directory that relative paths start from. */
  readonly baseDir: string;
  /** The text of a file; undefined where it cannot be read. */
  readonly read: (file: string) => string | undefined;
}

/** Replaces the references in all texts, once: what comes in is not looked at again. */
export function resolveReferences(tree: unknown, { env, baseDir, read }: Sources): Resolved {
  const faults: Fault[] = [];
  const hidden = new Set<string>();
  const files: { file: string; path: Path }[] = [];

  const replaced = mapLeaves(tree, (leaf, path) => {
    if (typeof leaf !== 'string' || !leaf.includes('${')) return leaf;
    hidden.add(pathText(path));
    const wrong = (found: string, hint: string): string => {
      faults.push({ path, found, hint });
      return '';
    };
    return leaf.replace(REFERENCE, (_, inner: string) => {
      const [, name, fallback] = /^env:([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner) ?? [];
      if (name !== undefined) {
        // As in a shell, `:-` counts an empty variable as unset.
        if (fallback !== undefined) return env[name] || fallback;
        return env[name] ?? wrong(`\${env:${name}} is not set`, `Set ${name}, or give a default: \${env:${name}:-}.`);
      }
      const named = /^file:(.+)$/s.exec(inner)?.[1];
      if (named === undefined) {
        return wrong('a reference that is not known', 'Write ${env:NAME}, ${env:NAME:-default} or ${file:PATH}.');
      }
      const file = resolve(baseDir, named);
      const content = read(file);
      if (content === undefined) return wrong(`${file} cannot be read`, 'Correct the path, or let this user read it.');
      files.push({ file, path });
      return content.replace(/\r?\n$/, '');
    });
  });
  return { tree: replaced, faults, hidden, files };
}
