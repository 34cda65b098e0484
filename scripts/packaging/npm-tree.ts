import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';

/** What `package.json` of this repository has. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly keywords: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly [more: string]: unknown;
}

/** Reads the manifest of the repository in `root`. */
export const manifestOf = (root: string): Manifest =>
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

const FOR_TESTS = /\.(test|fixture)\.[a-z]+$|^src\/simulator\/recordings\/.*\.http$/;
const RELATIVE_TS = /(['"])(\.{1,2}\/[^'"\n]*)\.ts\1/g;

/** Lays the published package into the folder `to`: plain JavaScript, for Node.js strips no types below node_modules. */
export function writeNpmTree(root: string, to: string, env: NodeJS.ProcessEnv): void {
  for (const path of globSync('src/**/*', { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .filter((path) => !FOR_TESTS.test(path))) {
    const target = join(to, path);
    mkdirSync(dirname(target), { recursive: true });
    if (path.endsWith('.ts')) {
      writeFileSync(target.replace(/\.ts$/, '.js'), javaScriptFrom(readFileSync(join(root, path), 'utf8')));
    } else {
      cpSync(join(root, path), target);
    }
  }
  // `node26.mjs` runs the scripts of the repository.
  for (const path of globSync('bin/*.mjs', { cwd: root })) {
    if (path !== 'bin/node26.mjs') cpSync(join(root, path), join(to, path));
  }
  for (const path of ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE']) {
    cpSync(join(root, path), join(to, path));
  }
  chmodSync(join(to, 'bin/sallyport.mjs'), 0o755);
  writeFileSync(
    join(to, 'package.json'),
    `${JSON.stringify(publishedManifest(manifestOf(root), env), undefined, 2)}\n`,
  );
}

/** A source without its types, at the same lines and columns, that imports its neighbours as `.js`. */
export function javaScriptFrom(text: string): string {
  return stripTypeScriptTypes(text).replace(RELATIVE_TS, '$1$2.js$1');
}

/**
 * The manifest as it is published. Provenance ties a package to the build that made it, so `repository` is named by that
 * build alone: the registry refuses another.
 */
export function publishedManifest(manifest: Manifest, env: NodeJS.ProcessEnv): Record<string, unknown> {
  const { private: _private, scripts: _scripts, devDependencies: _devDependencies, files, ...kept } = manifest;
  const [server, repository] = [env['GITHUB_SERVER_URL'], env['GITHUB_REPOSITORY']];
  return {
    ...kept,
    files: [...(files as string[]), 'CHANGELOG.md', 'SECURITY.md'],
    publishConfig: { access: 'public', provenance: true },
    ...(server === undefined || repository === undefined
      ? {}
      : { repository: { type: 'git', url: `git+${server}/${repository}.git` } }),
  };
}
