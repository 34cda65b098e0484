import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The oldest Node.js major version that runs the sources as they are. */
const MAJOR = 26;

/** Path of the Node.js to run on: this one if it is new enough, else the pinned one of the optional dependencies. */
export function runtimePath() {
  if (Number(process.versions.node.split('.')[0]) >= MAJOR) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), 'bin', 'node');
  } catch {
    process.stderr.write(
      `sallyport needs Node.js ${MAJOR} (this is ${process.versions.node}) and the package ${name} is not installed.\n` +
        'Run "npm ci" without --omit=optional on Linux x64 or arm64, or run it with Node.js 26.\n',
    );
    process.exit(1);
  }
}
