import { basename, dirname, resolve } from 'node:path';
import { readEnvironment, type Assignment } from './environment.ts';
import type { Mistake } from './mistake.ts';
import { ROOT_KEY_PATH, systemFiles, type ConfigFiles } from './named-files.ts';
import { mapLeaves, merged, withoutNulls, withValueAt } from './tree.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

/** Where the configuration comes from. */
export interface ConfigSources {
  /** The configuration file; left out, there is none. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the command line says, in the shape of the file; wins over the environment, which wins over the file. */
  readonly overrides?: object;
  /** The file system; the machine's by default. */
  readonly files?: ConfigFiles;
}

/** What stands in the sources, merged and not yet checked. */
export interface WrittenConfig {
  /** Absolute; undefined where there is none. */
  readonly configFile: string | undefined;
  /** Where relative paths start. */
  readonly baseDir: string;
  readonly yaml: YamlSource;
  readonly assignments: readonly Assignment[];
  /** What of the YAML and of the names of variables cannot be read. */
  readonly mistakes: readonly Mistake[];
  /** All sources together, references as they were written. */
  readonly tree: unknown;
}

/** Reads and merges the sources; a mistake where the file itself cannot be read. Knows nothing of any option. */
export function readWritten({
  file,
  env,
  overrides = {},
  files = systemFiles,
}: ConfigSources): WrittenConfig | Mistake {
  const configFile = file === undefined ? undefined : resolve(file);
  const text = configFile === undefined ? '' : files.read(configFile);
  if (text === undefined) {
    const hint =
      'Correct --config or SALLYPORT_CONFIG, or let this user read the file; it must be UTF-8 and below 1 MiB.';
    return { path: configFile ?? '', found: 'cannot be read', hint };
  }
  const yaml = readYaml(text, basename(configFile ?? ''));
  const { assignments, mistakes } = readEnvironment(env);
  const given = assignments.reduce<unknown>((tree, { path, value }) => withValueAt(tree, path, value), yaml.tree);
  const all = merged(
    given,
    mapLeaves(overrides, (leaf) => leaf),
  );
  return {
    configFile,
    baseDir: configFile === undefined ? process.cwd() : dirname(configFile),
    yaml,
    assignments,
    mistakes: [...yaml.mistakes, ...mistakes],
    tree: withoutNulls(all),
  };
}

/** An option whose name ends in `File` is a path: relative ones start from the configuration's directory. */
export function absoluteFiles(tree: unknown, baseDir: string): unknown {
  return mapLeaves(tree, (leaf, path) => {
    const name = path.at(-1);
    if (typeof leaf === 'string' && path.join('.') === ROOT_KEY_PATH.join('.')) return absoluteSource(leaf, baseDir);
    const isFile = typeof name === 'string' && name.endsWith('File');
    return isFile && typeof leaf === 'string' && leaf !== '' ? resolve(baseDir, leaf) : leaf;
  });
}

/** `file:PATH` of a root key, with its path made absolute. */
export function absoluteSource(text: string, baseDir: string): string {
  const [, word, file] = /^((?:passphrase:)?file:)(.+)$/.exec(text) ?? [];
  return word === undefined || file === undefined ? text : `${word}${resolve(baseDir, file)}`;
}
