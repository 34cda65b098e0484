// Runs the operator's program for DNS-01 outside the sandbox, which forbids the gateway to start any. It runs that one
// program only, one at a time, and believes nothing of what the gateway asks beyond its form.
import { spawn } from 'node:child_process';

const NAME = /^_acme-challenge(\.[a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?){1,127}$/i;
const VALUE = /^[A-Za-z0-9_-]{43}$/;
const MAX_LINE = 4096;
const MAX_TAIL = 300;
const MAX_MS = 10 * 60_000;

/**
 * Answers the lines of a pipe: `{"id","action":"add"|"remove","name","value"}` by `{"id","code","tail"}`, the exit code
 * and the end of what the program printed.
 */
export function serveHook(pipe, program) {
  let rest = '';
  let last = Promise.resolve();
  pipe.setEncoding('utf8');
  pipe.on('error', () => undefined);
  pipe.on('data', (part) => {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) return pipe.destroy();
    for (const line of lines) {
      last = last.then(async () => {
        const answer = await run(program, line);
        if (!pipe.destroyed) pipe.write(`${JSON.stringify(answer)}\n`);
      });
    }
  });
}

function run(program, line) {
  const { id, action, name, value } = parsed(line);
  const isForm = (action === 'add' || action === 'remove') && NAME.test(name) && VALUE.test(value);
  if (!isForm) return Promise.resolve({ id, code: -1, tail: 'not of the form' });
  return new Promise((resolve) => {
    let tail = '';
    const keep = (part) => (tail = (tail + part).slice(-MAX_TAIL));
    const child = spawn(program, [action, name, value], { stdio: ['ignore', 'pipe', 'pipe'], timeout: MAX_MS });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep);
    child.on('error', (error) => resolve({ id, code: -1, tail: error.code ?? 'it could not be started' }));
    child.on('close', (code) => resolve({ id, code: code ?? -1, tail }));
  });
}

function parsed(line) {
  try {
    const { id, action, name, value } = JSON.parse(line);
    return { id, action, name: String(name), value: String(value) };
  } catch {
    return { id: null, action: '', name: '', value: '' };
  }
}
