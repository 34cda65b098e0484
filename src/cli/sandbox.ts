import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStateDir } from '../adapters/files/state-dir.ts';
import type { Config } from '../config/schema.ts';
import { parseFlags } from './flags.ts';
import { SERVE_FLAGS, overridesOf } from './serve-flags.ts';
import { configFileOf, configOf, stateDirOf } from './where.ts';

/**
 * Prints the permissions that a command is to run under, as the launcher asks for them. Runs in a process of its own,
 * before the sandbox: it alone reads the configuration to find out which files that names.
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

function main(words: string[]): void {
  const [command, ...rest] = words;
  const isDemo = command === 'demo';
  const flags = parseFlags(rest, isDemo ? { exit: 'flag', attack: 'flag' } : SERVE_FLAGS);
  const stateDir = isDemo ? mkdtempSync(join(tmpdir(), 'sallyport-demo-')) : stateDirOf(flags, process.env);
  openStateDir(stateDir);
  const loaded = isDemo ? undefined : configOf(flags, process.env, overridesOf(flags));
  const named = loaded?.filesNamed ?? [];
  const { certFile, keyFile } = loaded?.config.listen.tls ?? {};
  const { folder, program } = hookOf(loaded?.config);
  const configFile = isDemo ? undefined : configFileOf(flags, process.env);
  // A certificate that a tool swaps is another file in the same folder, behind a link.
  const readable = [
    ...PACKAGES,
    ...named,
    ...[certFile, keyFile].flatMap((file) => (file === undefined ? [] : [`${dirname(file)}/`])),
    ...SYSTEM,
    `${stateDir}/`,
    stateDir,
  ];
  // Where there is none, `serve` still has to find that out.
  readable.push(configFile ?? resolve('sallyport.yaml'));
  const extra = process.env['NODE_EXTRA_CA_CERTS'];
  if (extra !== undefined && extra !== '') readable.push(extra);
  const permissions = [
    '--permission',
    // Node.js 24 has no permission for the network: there it is allowed without being asked.
    ...(process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []),
    '--allow-worker',
    ...readable.map((path) => `--allow-fs-read=${path.endsWith('/') ? `${path}*` : path}`),
    `--allow-fs-write=${stateDir}`,
    `--allow-fs-write=${stateDir}/*`,
    ...(folder === undefined ? [] : [`--allow-fs-read=${folder}/*`, `--allow-fs-write=${folder}/*`]),
    '--disallow-code-generation-from-strings',
  ];
  const planned = isDemo ? [...words, '--state-dir', stateDir] : words;
  process.stdout.write(JSON.stringify({ flags: permissions, words: planned, hook: program }));
}

/** Where records of DNS-01 go: to a folder, or to a program that the launcher has to run. */
function hookOf(config: Config | undefined): { readonly folder?: string; readonly program?: string } {
  if (config === undefined || config.listen.tls.mode !== 'acme') return {};
  const { challenge, hook } = config.listen.tls.acme;
  if (challenge !== 'dns-01' || hook === undefined) return {};
  return hook.startsWith('drop:') ? { folder: resolve(hook.slice('drop:'.length)) } : { program: hook };
}

try {
  main(process.argv.slice(2));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n`);
  process.exitCode = error instanceof Error && 'code' in error && error.code === 'usage' ? 2 : 1;
}
