#!/usr/bin/env node
// Runs a script of this repository on the pinned Node.js, whatever Node.js the caller has.
import { spawn } from 'node:child_process';
import { runtimePath } from './runtime.mjs';

const child = spawn(runtimePath(), process.argv.slice(2), { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});
