import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { manifestOf, writeNpmTree } from './packaging/npm-tree.ts';
import { copyProductionModules } from './packaging/production-modules.ts';
import { prune } from './packaging/prune.ts';
import { wheel } from './packaging/wheel.ts';

/**
 * Makes what is published, in `build/`: the npm package, the wheel of PyPI, and `build/app`, the product with all that it
 * needs but Node.js, from which the image is made. Takes what `npm ci` has laid there; downloads nothing.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const build = join(root, 'build');
const npm = join(build, 'npm');
const app = join(build, 'app');

rmSync(build, { recursive: true, force: true });
mkdirSync(build);
writeNpmTree(root, npm, process.env);
cpSync(npm, app, { recursive: true });
copyProductionModules(root, app);
prune(app);
const { name, bytes } = wheel(manifestOf(root), app);
writeFileSync(join(build, name), bytes);
const packed = spawnSync('npm', ['pack', '--silent', '--pack-destination', build, npm], { encoding: 'utf8' });
if (packed.status !== 0) throw new Error(`npm pack: ${packed.stderr}`);
process.stdout.write(`build/${packed.stdout.trim()}\nbuild/${name}\nbuild/app\n`);
