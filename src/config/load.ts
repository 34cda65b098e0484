import { parseDocument } from 'yaml';
import { DEFAULT_API_KEY } from '../forward/config.ts';
import { conflictsOf } from './cross-rules.ts';
import type { Assignment } from './environment.ts';
import { finding, findingsOf, type Finding, type Origin } from './issues.ts';
import { pathText, shown, type Mistake, type Path } from './mistake.ts';
import { fileFault, namedFilesOf, referencedFile, systemFiles } from './named-files.ts';
import { resolveReferences } from './references.ts';
import { configSchema, type Config } from './schema.ts';
import { emptyTree, isTree, valueAt, withoutValueAt, withValueAt } from './tree.ts';
import { absoluteFiles, readWritten, type ConfigSources } from './written.ts';

export { renderMistakes, type Mistake } from './mistake.ts';

/** A whole, checked configuration, or everything that is wrong with it. */
export type LoadedConfig =
  | {
      readonly ok: true;
      readonly config: Config;
      /** Absolute paths of the configuration file and every file that it names, each once. */
      readonly filesNamed: readonly string[];
    }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** Reads, merges and checks the configuration. Never throws; all mistakes come at once. */
export function loadConfig({ file, env, overrides = {}, files = systemFiles }: ConfigSources): LoadedConfig {
  const written = readWritten({ file, env, overrides, files });
  if (!('tree' in written)) return { ok: false, mistakes: [written] };
  const { configFile, baseDir, yaml, assignments } = written;
  const named = withDefaultKeys(written.tree);
  const references = resolveReferences(named, { env, baseDir, read: (name) => files.read(name) });
  const origin: Origin = {
    isHidden: (path) => path.some((_, i) => references.hidden.has(pathText(path.slice(0, i + 1)))),
    from(path) {
      if (isSetBy(overrides, path)) return 'command line';
      const setter = assignments.find((a) => isWithin(a.path, path) || isWithin(path, a.path));
      if (setter !== undefined) return setter.name;
      return isGiven(yaml.tree, path) ? yaml.lineOf(path) : undefined;
    },
  };
  const tree = absoluteFiles(asMeant(references.tree, assignments, origin), baseDir);
  const { findings, config } = check(tree, origin);

  const inFiles = references.files.map(({ path, file: name }) => referencedFile(path, name));
  const allFiles = [...inFiles, ...(config === undefined ? [] : namedFilesOf(config, env))];
  const faults = [...references.faults, ...allFiles.flatMap((one) => fileFault(one, files) ?? [])];
  const early = written.mistakes;
  const late = [...faults.map(({ path, found, hint }) => finding(path, found, hint, origin)), ...findings];
  const mistakes = [...early, ...late.map((one) => one.mistake)];
  // What refers to nothing was replaced by an empty text: what that breaks is no second mistake.
  const unlike = mistakes.filter((one, i) => mistakes.findIndex((other) => other.path === one.path) === i);
  if (unlike.length > 0 || config === undefined) return { ok: false, mistakes: unlike };
  const filesNamed = new Set([...(configFile === undefined ? [] : [configFile]), ...allFiles.map((one) => one.file)]);
  return { ok: true, config: frozen(config), filesNamed: [...filesNamed] };
}

/**
 * Checks a tree against the schema, then the rules between options. Where something is wrong its default stands in,
 * so that the rules can still speak of the rest.
 */
function check(tree: unknown, origin: Origin): { findings: Finding[]; config: Config | undefined } {
  const findings: Finding[] = [];
  let rest = tree;
  for (let round = 0; round < 5; round += 1) {
    const result = configSchema.safeParse(rest);
    if (result.success) {
      const conflicts = conflictsOf(result.data).filter(({ path, reads }) =>
        [path, ...reads].every((read) => !findings.some((one) => isWithin(one.path, read))),
      );
      const said = conflicts.map(({ path, hint }) =>
        finding(path, shown(valueAt(tree, path), path, origin.isHidden(path)), hint, origin),
      );
      return { findings: [...findings, ...said], config: result.data };
    }
    const found = findingsOf(result.error.issues, rest, origin);
    findings.push(...found.filter(({ path }) => !findings.some((one) => isWithin(one.path, path))));
    for (const { path } of found) {
      // An empty map that takes an item's place need not be valid either: then the whole list gives way.
      const isItem = typeof path.at(-1) === 'number';
      rest = withoutValueAt(rest, round > 0 && isItem ? path.slice(0, -1) : path);
    }
  }
  return { findings, config: undefined };
}

/**
 * Gives texts that came by environment or reference the type that their option has: `SALLYPORT__…__API_KEY=0123` is
 * a text, and `port: ${env:PORT}` a number. Of two readings the other counts only where the schema accepts it.
 */
function asMeant(tree: unknown, assignments: readonly Assignment[], origin: Origin): unknown {
  const swaps = issuePaths(tree).flatMap((path) => {
    const other = otherReading(valueAt(tree, path), path, assignments, origin);
    return other === undefined ? [] : [{ path, other }];
  });
  if (swaps.length === 0) return tree;
  const swapped = swaps.reduce((result, { path, other }) => withValueAt(result, path, other), tree);
  const still = new Set(issuePaths(swapped).map(pathText));
  return swaps
    .filter(({ path }) => !still.has(pathText(path)))
    .reduce((result, { path, other }) => withValueAt(result, path, other), tree);
}

function issuePaths(tree: unknown): Path[] {
  const issues = configSchema.safeParse(tree).error?.issues ?? [];
  return issues.map(({ path }) => path.map((step) => (typeof step === 'symbol' ? String(step) : step)));
}

function otherReading(
  value: unknown,
  path: Path,
  assignments: readonly Assignment[],
  origin: Origin,
): string | number | boolean | undefined {
  if (typeof value === 'object' || value === undefined) return undefined;
  if (typeof value !== 'string') return assignments.find((one) => pathText(one.path) === pathText(path))?.text;
  if (!origin.isHidden(path)) return undefined;
  const scalar: unknown = parseDocument(value, { logLevel: 'error', prettyErrors: false }).toJS({ maxAliasCount: 0 });
  return typeof scalar === 'number' || typeof scalar === 'boolean' ? scalar : undefined;
}

/** Each upstream without a key of its own gets the common one; without a list there is one upstream. */
function withDefaultKeys(tree: unknown): unknown {
  const given = valueAt(tree, ['upstreams']);
  const items: unknown = given ?? [emptyTree()];
  if (!Array.isArray(items)) return tree;
  return items.reduce<unknown>((result, item: unknown, i) => {
    const isUnset = isTree(item) && item['apiKey'] === undefined;
    return isUnset ? withValueAt(result, ['upstreams', i, 'apiKey'], DEFAULT_API_KEY) : result;
  }, tree);
}

/** Whether `outer` is `inner` or lies around it. */
function isWithin(outer: Path, inner: Path): boolean {
  return outer.length <= inner.length && outer.every((step, i) => step === inner[i]);
}

/** Whether a value, or a list that replaces the one around it, stands in the overrides. */
function isSetBy(overrides: object, path: Path): boolean {
  return path.some((_, i) => {
    const value = valueAt(overrides, path.slice(0, i + 1));
    return value !== undefined && (!isTree(value) || i === path.length - 1);
  });
}

function isGiven(tree: unknown, path: Path): boolean {
  return path.some((_, i) => valueAt(tree, path.slice(0, i + 1)) !== undefined);
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const child of Object.values(value)) frozen(child);
  return Object.freeze(value);
}
