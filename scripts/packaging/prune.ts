import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Prints what Node.js loads for our own files: some are loaded only when they are needed, so each is an entry. */
const LIST = `
import { registerHooks } from 'node:module';
const loaded = new Map();
registerHooks({ load(url, context, next) {
  const result = next(url, context);
  loaded.set(url, result.format);
  return result;
} });
const { writeFileSync } = process.getBuiltinModule('node:fs');
const [out, ...entries] = process.argv.slice(1);
process.on('exit', () => { writeFileSync(out, JSON.stringify([...loaded])); process.exitCode = 0; });
process.argv = [process.execPath, 'sallyport', '--version'];
process.stdout.write = process.stderr.write = () => true;
// What is made for a thread fails in this one, after all its imports are there.
for (const entry of entries) await import(entry).catch(() => undefined);
`;

/** Takes from the dependencies in `app` the files that are never loaded. @throws Error where nothing could be loaded */
export function prune(app: string): void {
  const out = join(app, 'loaded.json');
  const main = join(app, 'src/main.js');
  const own = globSync('src/**/*.js', { cwd: app }).map((path) => join(app, path));
  // The one that ends the process comes last.
  const entries = [...own.filter((path) => path !== main), main];
  spawnSync(process.execPath, ['--input-type=module', '-e', LIST, out, ...entries], { stdio: 'ignore' });
  const loaded = JSON.parse(readFileSync(out, 'utf8')) as [string, string][];
  rmSync(out);
  const files = new Set<string>();
  const commonJs = new Set<string>();
  for (const [url, format] of loaded) {
    if (!url.startsWith('file:')) continue;
    const path = fileURLToPath(url);
    files.add(path);
    // It may ask for more of its own files later, in a function.
    if (format === 'commonjs') commonJs.add(packageOf(path));
  }
  if (!entries.every((path) => files.has(path))) throw new Error('the packaged product does not load');
  const modules = join(app, 'node_modules');
  for (const entry of globSync('**/*', { cwd: modules, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || isKept(path)) continue;
    rmSync(path);
  }
  removeEmptyFolders(modules);

  function isKept(path: string): boolean {
    const name = basename(path);
    return files.has(path) || commonJs.has(packageOf(path)) || name === 'package.json' || LEGAL.test(name);
  }
}

const LEGAL = /^(licen[cs]e|notice|copying)/i;

/** The folder of the package that holds a file. */
function packageOf(path: string): string {
  const end = path.lastIndexOf(`${sep}node_modules${sep}`) + '/node_modules/'.length;
  const [first = '', second = ''] = path.slice(end).split(sep);
  return path.slice(0, end) + (first.startsWith('@') ? join(first, second) : first);
}

function removeEmptyFolders(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name));
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
