#!/usr/bin/env node
// The launcher: finds the right Node.js and, for what stays running, the narrowest permissions, then becomes it.
// It runs on Node.js 20 and later; everything else on what `runtime.mjs` finds.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { serveHook } from './hook.mjs';
import { explainEnd, runtimePath } from './runtime.mjs';

const runtime = runtimePath();
// Types are stripped in the published packages: Node.js does not do that itself below node_modules.
const extension = existsSync(new URL('../src/main.ts', import.meta.url)) ? 'ts' : 'js';
const source = (name) => fileURLToPath(new URL(`../src/${name}.${extension}`, import.meta.url));
const QUIET = ['--disable-warning=ExperimentalWarning', '--disable-warning=SecurityWarning'];
const SANDBOXED = new Set(['serve', 'demo']);

const words = process.argv.slice(2);
const isHelp = words.includes('--help') || words.includes('-h');
let hook;
const args = SANDBOXED.has(words[0]) && !isHelp ? await sandboxed() : [...QUIET, source('main'), ...words];

// A program for DNS-01 has to be run by somebody outside the sandbox: then this process stays.
if (hook === undefined && runtime === process.execPath && typeof process.execve === 'function') {
  process.execve(runtime, [runtime, ...args], process.env);
}

// The child holds the other end of this pipe and ends when it closes: however this process ends, no gateway is left.
const child = spawn(runtime, args, {
  stdio: ['inherit', 'inherit', 'inherit', 'pipe', ...(hook === undefined ? [] : ['pipe'])],
  env: { ...process.env, SALLYPORT_CONTROL_FD: '3', ...(hook === undefined ? {} : { SALLYPORT_HOOK_FD: '4' }) },
});
if (hook !== undefined) serveHook(child.stdio[4], hook);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', () => {
  explainEnd(127);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  explainEnd(code);
  process.exit(code ?? (signal === 'SIGKILL' ? 137 : 128));
});

/** Asks the sources which permissions this command needs; they read the configuration for it. */
async function sandboxed() {
  const plan = runtime === process.execPath ? await planHere() : planThere();
  hook = plan.hook;
  return [...QUIET, ...plan.flags, source('main'), ...plan.words];
}

async function planHere() {
  const { planOrExplain } = await import(source('cli/sandbox'));
  return planOrExplain(words) ?? process.exit();
}

/** This Node.js may be too old for the sources. */
function planThere() {
  const plan = spawnSync(runtime, [...QUIET, source('cli/sandbox'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (plan.status !== 0) {
    explainEnd(plan.status ?? 127);
    process.exit(plan.status ?? 1);
  }
  return JSON.parse(plan.stdout);
}
