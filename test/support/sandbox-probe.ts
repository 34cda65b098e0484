import { execSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Tries what the sandbox must deny, and prints what happened as JSON: `denied` or `allowed`. Started with the product's own flags. */
const [stateDir = '', outside = ''] = process.argv.slice(2);

const attempt = (run: () => unknown): string => {
  try {
    run();
    return 'allowed';
  } catch (error) {
    return error instanceof Error && ('code' in error || error instanceof EvalError) ? 'denied' : String(error);
  }
};

const results: Record<string, string> = {
  readOutside: attempt(() => readFileSync(join(outside, 'secret.txt'))),
  readPasswords: attempt(() => readFileSync('/etc/passwd')),
  writeOutside: attempt(() => writeFileSync(join(outside, 'new.txt'), 'x')),
  writePackage: attempt(() => writeFileSync(new URL('../../package.json.new', import.meta.url), 'x')),
  spawn: attempt(() => execSync('true')),
  eval: attempt(() => (0, eval)('1')),
  newFunction: attempt(() => new Function('return 1')()),
  attach: attempt(() => {
    const db = new DatabaseSync(join(stateDir, 'probe.db'), { limits: { attach: 0 } });
    db.exec(`ATTACH '${join(outside, 'attached.db')}' AS a`);
  }),
  addOn: attempt(() => process.dlopen({ exports: {} }, '/usr/lib/nothing.node')),
  readOwn: attempt(() => readFileSync(new URL('../../package.json', import.meta.url))),
  writeState: attempt(() => writeFileSync(join(stateDir, 'probe.txt'), 'x')),
};

const inWorker = new Worker(
  new URL(
    `data:text/javascript,${encodeURIComponent(`
    import { parentPort, workerData } from 'node:worker_threads';
    import { readFileSync } from 'node:fs';
    const out = {};
    try { readFileSync(workerData); out.workerRead = 'allowed'; } catch { out.workerRead = 'denied'; }
    try { (0, eval)('1'); out.workerEval = 'allowed'; } catch { out.workerEval = 'denied'; }
    parentPort.postMessage(out);`)}`,
  ),
  { workerData: join(outside, 'secret.txt') },
);
inWorker.once('message', (fromWorker: Record<string, string>) => {
  process.stdout.write(JSON.stringify({ ...results, ...fromWorker }));
});
