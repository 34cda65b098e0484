import { globSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

/** Types, format, lint and the tidy tests; all run, the first failure decides the exit code. */
const bin = (name: string): string => `node_modules/.bin/${name}`;
const steps: readonly (readonly [string, readonly string[]])[] = [
  [process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.']],
  [process.execPath, [bin('oxfmt'), '--check', 'src', 'test', 'bench', 'scripts', 'bin']],
  [process.execPath, [bin('oxlint'), '--type-aware', '--deny-warnings', 'src', 'test', 'bench', 'scripts']],
  [process.execPath, ['--disable-warning=ExperimentalWarning', '--test', ...globSync('test/tidy/*.test.ts')]],
];

for (const [command, args] of steps) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  process.stdout.write(`${status === 0 ? 'ok  ' : 'FAIL'} ${args.slice(0, 3).join(' ')}\n`);
  if (status !== 0) process.exitCode ||= status ?? 1;
}
