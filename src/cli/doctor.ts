import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openStateDir, stateDirOfService } from '../adapters/files/state-dir.ts';
import { createHttpUpstream } from '../adapters/http-client/upstream.ts';
import { createMachine } from '../adapters/machine/machine.ts';
import { namedFilesOf } from '../config/named-files.ts';
import { diagnose, type Diagnosis } from '../doctor/doctor.ts';
import type { Installation } from '../doctor/installation.ts';
import { openAdvisoryBook } from '../gateway/advisory-book.ts';
import { installedUpstreams } from '../gateway/installed-upstreams.ts';
import { readUpstreamPems } from '../gateway/upstream-pems.ts';
import { readRootKeySource, secretPlaceOf } from '../kernel/root-key-source.ts';
import { USER_AGENT } from '../gateway/version.ts';
import type { Command } from './command.ts';
import { parseFlags } from './flags.ts';
import { painter } from './paint.ts';
import { json } from './text.ts';
import { expectWords } from './verbs.ts';
import { configFileOf, stateDirOf } from './places.ts';
import { configOf } from './where.ts';

/** Looks at an installation. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'check the installation, and whether vLLM can be reached around the gateway',
  help: `sallyport doctor [--config FILE] [--state-dir DIR] [--json]

Looks at this machine as it is: whether vLLM or its side ports answer on addresses that others reach, whether vLLM asks
for its key, has debugging routes or known holes, and at file modes, clock, names and certificate. Says for each
finding the line that mends it. It sends vLLM nothing but GET requests that change nothing.
Exit code 0 where nothing critical or high was found, else 1.

Example: sallyport doctor --json`,
  async run(words, io) {
    const flags = parseFlags(words, {});
    expectWords(flags, [], 'sallyport doctor');
    const { config } = configOf(flags, io.env);
    const path = stateDirOf(flags, io.env);
    const service = stateDirOfService(path);
    const stateDir = service ?? openStateDir(path);
    const ownerUid = service === undefined ? process.getuid?.() : statSync(path).uid;
    const configFile = configFileOf(flags, io.env);
    const asked = config.upstreams.map(({ url, apiKey, tls }) => ({
      apiKey,
      upstream: createHttpUpstream(
        {
          url,
          tls: { ...readUpstreamPems(tls), serverName: tls.serverName },
        },
        { connectMs: 2_000, firstByteMs: 5_000, betweenChunksMs: 5_000, totalMs: 10_000 },
      ),
    }));
    const ownRootKeys = ['root.key', 'root.key.next'].map((name) => join(stateDir.path, 'keys', name));
    const installation: Installation = {
      upstreams: installedUpstreams(config),
      listen: { host: config.listen.host, port: config.listen.port },
      tls: config.listen.tls.mode,
      publicUrl: config.listen.publicUrl,
      ownCaPem: existsSync(stateDir.caFile) ? readFileSync(stateDir.caFile, 'utf8') : undefined,
      trustedProxies: config.listen.trustedProxies,
      privateFiles: [
        stateDir.path,
        join(stateDir.path, 'keys'),
        ...ownRootKeys,
        ...namedFilesOf(config, io.env).flatMap(({ file, isSecret }) => (isSecret ? [file] : [])),
        ...secretInside(configFile),
      ],
      rootKey: rootKeyOf(config.keyring.rootKey, stateDir.path, ownRootKeys),
      advisories: openAdvisoryBook(stateDir).list(),
    };
    const diagnosis = await diagnose(installation, createMachine(asked, USER_AGENT, ownerUid));
    for (const { upstream } of asked) upstream.close();
    io.out(flags.has('json') ? json(diagnosis) : report(diagnosis, io.isTerminal));
    return diagnosis.ok ? 0 : 1;
  },
};

function rootKeyOf(source: string, stateDir: string, own: readonly string[]): Installation['rootKey'] {
  const read = readRootKeySource(source);
  const place = read === undefined ? undefined : secretPlaceOf(read);
  if (place === undefined) return { source, isBesideData: true, isMade: own.some((file) => existsSync(file)) };
  return { source, isBesideData: place.kind === 'file' && place.file.startsWith(`${stateDir}/`), isMade: true };
}

/** The configuration, where a key stands in it as text. */
function secretInside(configFile: string | undefined): string[] {
  if (configFile === undefined) return [];
  return KEY_AS_TEXT.test(readFileSync(configFile, 'utf8')) ? [configFile] : [];
}

/** On a line of its own or inside braces, and no comment, reference or empty value. */
const KEY_AS_TEXT = /^[^#\n]*?\bapiKey["']?[ \t]*:[ \t]*["']?(?!["'#,}]|\$\{)\S/m;

const COLOURS = { critical: 'red', high: 'red', medium: 'yellow', low: 'cyan', info: 'cyan' } as const;

function report({ ok, findings }: Diagnosis, isTerminal: boolean): string {
  const paint = painter(isTerminal);
  const lines = findings.map(
    ({ id, severity, what, mend }) =>
      `${paint(severity.toUpperCase().padEnd(8), COLOURS[severity])}  ${what}  [${id}]\n          mend: ${mend}\n`,
  );
  const end = ok
    ? paint('well', 'green').concat(': nothing was found that exposes vLLM or the gateway\n')
    : paint('not well', 'red').concat(': mend what is CRITICAL and HIGH, then ask again\n');
  return `${lines.join('')}${end}`;
}
