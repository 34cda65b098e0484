import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connected } from '../support/connected.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

/**
 * Programs that people put before a model, unmodified and as they are installed: each is asked for a tool, calls it,
 * sends its result and gets a text. The simulator calls the tool that the last message names. Aider knows no tools: it
 * edits a file as the answer says.
 */
const { AGENTS_DIR = '', AIDER = '', OPEN_WEBUI = '' } = process.env;
/** Agents send some ten thousand tokens before anybody has said a word. */
const CONTEXT_TOKENS = 131_072;
const AGENT_MS = 120_000;
const PLATFORM = `${process.platform}-${process.arch}`;

let gateway: TestGateway;
let key = { key: '', id: '' };
let home = '';
before(async () => {
  gateway = await startTestGateway({ simulator: { maxModelLen: CONTEXT_TOKENS, answerTokens: 12 } });
  const made = await gateway.issue();
  key = { key: made.key, id: made.record.id };
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sallyport-agent-'));
  mkdirSync(join(home, 'work'));
  gateway.log.length = 0;
});
afterEach(() => rmSync(home, { recursive: true, force: true }));
after(async () => {
  await gateway[Symbol.asyncDispose]();
});

/** A process with a home of its own, so that nothing of this user's settings counts. */
const environment = (more: Record<string, string>): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: home,
  XDG_CONFIG_HOME: join(home, 'config'),
  XDG_DATA_HOME: join(home, 'data'),
  XDG_CACHE_HOME: join(home, 'cache'),
  XDG_STATE_HOME: join(home, 'state'),
  ...more,
});

/** Runs an agent to its end in an empty folder; the JSON lines that it printed. */
async function run(
  command: string,
  words: readonly string[],
  env: Record<string, string>,
): Promise<readonly unknown[]> {
  const child = spawn(command, words, {
    cwd: join(home, 'work'),
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: AGENT_MS,
    killSignal: 'SIGKILL',
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (err += part.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0, `${out.slice(-1000)}\n${err.slice(-1000)}`);
  return out.split('\n').flatMap((line): unknown[] => (line.startsWith('{') ? [JSON.parse(line)] : []));
}

/** Every request of the agent was answered, and there were two at least where it calls: the call and its result. */
async function assertServed(route: string, atLeast = 2): Promise<void> {
  const requestsNow = (): readonly string[] =>
    gateway.log.flatMap((text) => text.split('\n').filter((line) => line.includes('"route":')));
  const isThere = (): boolean => requestsNow().filter((line) => line.includes(`"route":"${route}"`)).length >= atLeast;
  // A worker hands over its lines a little later, when an agent that is quick has ended.
  for (let tries = 0; tries < 100 && !isThere(); tries++) await setTimeout(50);
  const requests = requestsNow();
  for (const line of requests) assert.match(line, /"status":200/);
  assert.ok(isThere(), requests.join('\n'));
}

const has = (values: readonly unknown[], ...texts: readonly RegExp[]): boolean =>
  values.some((value) => texts.every((text) => text.test(JSON.stringify(value))));

const bin = (path: string): string => join(AGENTS_DIR, 'node_modules', path);
const CLAUDE = bin(`@anthropic-ai/claude-code-${PLATFORM}/claude`);

test('Codex calls a tool and goes on with its result (Responses)', async () => {
  const { env, file } = await connected(gateway, 'codex', key);
  writeFileSync(join(home, 'config.toml'), `approval_policy = "never"\nsandbox_mode = "danger-full-access"\n${file}`);
  const words = ['exec', '--skip-git-repo-check', '--json', 'Please use exec_command'];
  const said = await run(bin('.bin/codex'), words, { ...env, CODEX_HOME: home });
  assert.ok(has(said, /"item.completed"/, /"command_execution"/, /"exit_code":127/), 'the tool ran');
  assert.ok(has(said, /"item.completed"/, /"agent_message","text":"\w+/), 'a text followed');
  await assertServed('responses');
});

test('Claude Code calls a tool and goes on with its result (Messages)', async () => {
  const words = ['-p', '--output-format', 'stream-json', '--verbose', '--dangerously-skip-permissions'];
  const said = await run(CLAUDE, [...words, 'Please use the Bash tool'], {
    ...(await connected(gateway, 'claude-code', key)).env,
    IS_SANDBOX: '1',
    CLAUDE_CONFIG_DIR: home,
    DISABLE_AUTOUPDATER: '1',
  });
  assert.ok(has(said, /"tool_use"/, /"name":"Bash"/), 'the tool was called');
  assert.ok(has(said, /"tool_result"/, /Exit code 127/), 'the tool ran');
  assert.ok(has(said, /"type":"result"/, /"is_error":false/), 'a text followed');
  await assertServed('messages');
});

test('what Claude Code calls haiku, sonnet, opus and fable is the model of the gateway', async () => {
  const { env } = await connected(gateway, 'claude-code', key);
  const own = { ...env, CLAUDE_CONFIG_DIR: home, DISABLE_AUTOUPDATER: '1' };
  for (const name of ['haiku', 'sonnet', 'opus', 'fable']) await run(CLAUDE, ['-p', '--model', name, 'Hello'], own);
  await assertServed('messages', 4);
});

test('OpenCode calls a tool and goes on with its result (chat)', async () => {
  const { env, file } = await connected(gateway, 'opencode', key);
  const own = { autoupdate: false, share: 'disabled', permission: { '*': 'allow' } };
  writeFileSync(join(home, 'work', 'opencode.json'), JSON.stringify({ ...own, ...(JSON.parse(file) as object) }));
  const words = ['run', '--format', 'json', 'Please use the bash tool'];
  const said = await run(bin(`opencode-${PLATFORM}/bin/opencode`), words, env);
  assert.ok(has(said, /"tool_use"/, /"tool":"bash"/, /"exit":127/), 'the tool ran');
  assert.ok(has(said, /"type":"text"/, /"text":"\w+/), 'a text followed');
  await assertServed('chat-completions');
});

test('aider edits a file as the answer says (chat)', async () => {
  const listing = 'greeting.txt\n```\nGood morning\n```\n';
  const words = ['--yes-always', '--no-git', '--no-check-update', '--no-show-model-warnings'];
  const { env } = await connected(gateway, 'aider', key);
  await run(AIDER, [...words, '--message', `Please write <answer>${listing}</answer>`], env);
  assert.equal(readFileSync(join(home, 'work', 'greeting.txt'), 'utf8'), 'Good morning\n');
  await assertServed('chat-completions', 1);
});

test('Open WebUI calls a tool and goes on with its result (chat)', async () => {
  const port = await freePort();
  const data = join(home, 'data');
  mkdirSync(data);
  const settings = {
    DATA_DIR: data,
    WEBUI_AUTH: 'False',
    WEBUI_SECRET_KEY: 'of a test',
    ...(await connected(gateway, 'open-webui', key)).env,
    RAG_EMBEDDING_ENGINE: 'openai',
    AUDIO_STT_ENGINE: 'openai',
    OFFLINE_MODE: 'True',
    HF_HUB_OFFLINE: '1',
  };
  const words = ['serve', '--host', '127.0.0.1', '--port', String(port)];
  const server = spawn(OPEN_WEBUI, words, { cwd: data, env: environment(settings), stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('close', resolve));
  try {
    const script = fileURLToPath(new URL('clients/open-webui.py', import.meta.url));
    const [said] = await run('python3', [script], { WEBUI_ORIGIN: `http://127.0.0.1:${port}` });
    assert.ok(has([said], /"models":\["tiny"\]/), 'it lists the models');
    assert.ok(has([said], /"function_call"/, /"sunny in \w+"/), 'the tool ran');
    assert.ok(has([said], /"text":"\w+/), 'a text followed');
  } finally {
    server.kill('SIGKILL');
    await ended;
  }
  await assertServed('chat-completions');
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
