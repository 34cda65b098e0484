import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStateDir } from '../adapters/files/state-dir.ts';
import type { Path } from '../config/mistake.ts';
import { namedFilesOf, systemFiles } from '../config/named-files.ts';
import { resolveReferences } from '../config/references.ts';
import { valueAt, withValueAt } from '../config/tree.ts';
import { absoluteFiles, readWritten, type ConfigSources } from '../config/written.ts';
import { parseFlags } from './flags.ts';
import { SERVE_FLAGS, overridesOf } from './serve-flags.ts';
import { configFileOf, stateDirOf } from './places.ts';

/**
 * The permissions that a command is to run under, as the launcher asks for them before the sandbox is there. Loads
 * nothing that knows an option's meaning: every start waits for it.
 */
const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

/** Where npm puts a package, it puts what that depends on beside it. */
const BESIDE = dirname(PACKAGE);
const PACKAGES = basename(BESIDE) === 'node_modules' ? [`${BESIDE}/`] : [PACKAGE];

/** Files outside that the runtime reads for names and certificates. */
const SYSTEM = [
  '/etc/hosts',
  '/etc/resolv.conf',
  '/etc/nsswitch.conf',
  '/etc/ssl/',
  '/etc/pki/',
  '/usr/share/ca-certificates/',
];

/** What a command is to run under, and with. */
export interface Plan {
  /** Flags of Node.js. */
  readonly flags: readonly string[];
  /** Its command line. */
  readonly words: readonly string[];
  /** The program for records of DNS-01, which the launcher has to run. */
  readonly hook: string | undefined;
}

/**
 * The permissions that `serve` or `demo` needs. Reads from the configuration which files it names and no more: the
 * gateway checks all of it, and refuses what names others.
 *
 * @throws UsageError, StateDirError
 */
export function planOf(words: readonly string[], env: NodeJS.ProcessEnv): Plan {
  const [command, ...rest] = words;
  const isDemo = command === 'demo';
  const flags = parseFlags(rest, isDemo ? { exit: 'flag', attack: 'flag' } : SERVE_FLAGS);
  const stateDir = isDemo ? mkdtempSync(join(tmpdir(), 'sallyport-demo-')) : stateDirOf(flags, env);
  openStateDir(stateDir);
  const configFile = isDemo ? undefined : configFileOf(flags, env);
  const { files, tree } = isDemo ? NOTHING : namedBy({ file: configFile, env, overrides: overridesOf(flags) });
  const pair = ['certFile', 'keyFile'].map((name) => valueAt(tree, ['listen', 'tls', name]));
  const { folder, program } = hookOf(tree);
  // A certificate that a tool swaps is another file in the same folder, behind a link.
  const readable = [
    ...PACKAGES,
    ...files.map(({ file }) => file),
    ...pair.flatMap((file) => (typeof file === 'string' && file !== '' ? [`${dirname(file)}/`] : [])),
    ...SYSTEM,
    `${stateDir}/`,
    stateDir,
  ];
  // Where there is none, `serve` still has to find that out.
  readable.push(configFile ?? resolve('sallyport.yaml'));
  const extra = env['NODE_EXTRA_CA_CERTS'];
  if (extra !== undefined && extra !== '') readable.push(extra);
  const permissions = [
    '--permission',
    // Node.js 24 has no permission for the network: there it is allowed without being asked.
    ...(process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []),
    '--allow-worker',
    ...readable.map((path) => `--allow-fs-read=${path.endsWith('/') ? `${path}*` : path}`),
    `--allow-fs-write=${stateDir}`,
    `--allow-fs-write=${stateDir}/*`,
    ...copyFilesOf(tree).map((file) => `--allow-fs-write=${file}`),
    ...(folder === undefined ? [] : [`--allow-fs-read=${folder}/*`, `--allow-fs-write=${folder}/*`]),
    '--disallow-code-generation-from-strings',
  ];
  const planned = isDemo ? [...words, '--state-dir', stateDir] : words;
  return { flags: permissions, words: planned, hook: program };
}

const NOTHING = { files: [], tree: undefined };

/** The files that a configuration names, right or wrong as it may be, and what it says. */
function namedBy(sources: ConfigSources): { files: readonly { file: string; path: Path }[]; tree: unknown } {
  const written = readWritten(sources);
  if (!('tree' in written)) return NOTHING;
  const { baseDir, configFile, assignments } = written;
  const { env, files = systemFiles } = sources;
  const references = resolveReferences(written.tree, { env, baseDir, read: (name) => files.read(name) });
  // A variable's value that reads as a number is still the name of a file.
  const texts = assignments
    .filter(({ path, value }) => typeof value !== 'string' && String(path.at(-1)).endsWith('File'))
    .reduce((tree, { path, text }) => withValueAt(tree, path, text), references.tree);
  const tree = absoluteFiles(texts, baseDir);
  const own = configFile === undefined ? [] : [{ file: configFile, path: [] }];
  return { files: [...own, ...references.files, ...namedFilesOf(tree, env)], tree };
}

/** Files that checkpoints are added to. */
function copyFilesOf(tree: unknown): string[] {
  const copies = valueAt(tree, ['auditLog', 'copies']);
  return (Array.isArray(copies) ? copies : []).flatMap((_, i) => {
    const file = valueAt(tree, ['auditLog', 'copies', i, 'toFile']);
    return typeof file === 'string' && isAbsolute(file) ? [file] : [];
  });
}

/** Where records of DNS-01 go: to a folder, or to a program that the launcher has to run. */
function hookOf(tree: unknown): { readonly folder?: string; readonly program?: string } {
  if (valueAt(tree, ['listen', 'tls', 'mode']) !== 'acme') return {};
  const [challenge, hook] = ['challenge', 'hook'].map((name) => valueAt(tree, ['listen', 'tls', 'acme', name]));
  if (challenge !== 'dns-01' || typeof hook !== 'string' || !isAbsolute(hook.replace(/^drop:/, ''))) return {};
  return hook.startsWith('drop:') ? { folder: resolve(hook.slice('drop:'.length)) } : { program: hook };
}

/** The plan; undefined where there is none, which has been said, with the exit code in `process.exitCode`. */
export function planOrExplain(words: readonly string[]): Plan | undefined {
  try {
    return planOf(words, process.env);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message}\n`);
    process.exitCode = error instanceof Error && 'code' in error && error.code === 'usage' ? 2 : 1;
    return undefined;
  }
}

// A launcher on a Node.js that cannot read the sources has it run, and printed.
if (import.meta.main) {
  const plan = planOrExplain(process.argv.slice(2));
  if (plan !== undefined) process.stdout.write(JSON.stringify(plan));
}
