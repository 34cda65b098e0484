import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, keepManifests } from './packaging/bundle.ts';
import { manifestOf, writeNpmTree } from './packaging/npm-tree.ts';
import { wheel } from './packaging/wheel.ts';

/**
 * Makes what is published, in `build/`: the npm package, the wheel of PyPI, and `build/app`, the product with all that it
 * needs but Node.js, from which the image is made. Takes what `npm ci` has laid there; downloads nothing.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const build = join(root, 'build');
const tree = join(build, 'tree');
const npm = join(build, 'npm');
const app = join(build, 'app');

rmSync(build, { recursive: true, force: true });
mkdirSync(build);
writeNpmTree(root, tree, process.env);
for (const to of [npm, app]) {
  cpSync(tree, to, { recursive: true, filter: (from) => from !== join(tree, 'src') });
  // What runs on a server of others, and is read as it is.
  for (const path of globSync('src/**/*.lua', { cwd: tree })) cpSync(join(tree, path), join(to, path));
  // npm brings the packages that the manifest names; nobody else does.
  keepManifests(await bundle(tree, to, to === npm ? 'out' : 'in'), root, to);
}
const { name, bytes } = wheel(manifestOf(root), app);
writeFileSync(join(build, name), bytes);
const packed = spawnSync('npm', ['pack', '--silent', '--pack-destination', build, npm], { encoding: 'utf8' });
if (packed.status !== 0) throw new Error(`npm pack: ${packed.stderr}`);
process.stdout.write(`build/${packed.stdout.trim()}\nbuild/${name}\nbuild/app\n`);
