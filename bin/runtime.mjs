import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The Node.js major version that the product is made for, and that its optional dependencies bring. */
const MAJOR = 26;
/**
 * The oldest one that it also runs on, where nothing brings a newer one: the newest of PyPI
 * (docs/adr/0016-packages-and-the-oldest-runtime.md). An older 24 may lack `limits` of node:sqlite, on which the sandbox relies.
 */
const OLDEST = [24, 19];

/** The exit code of a program whose libraries are not there, as the dynamic linker gives it. */
const NOT_STARTED = 127;

/** Says what is missing where the pinned Node.js could not start; other ends say themselves what they were. */
export function explainEnd(code) {
  if (code !== NOT_STARTED) return;
  process.stderr.write(
    'sallyport: the Node.js that it brings did not start, mostly because libatomic.so.1 is missing. Install that, or run it with Node.js 26:\n' +
      '  Debian, Ubuntu   apt-get install -y libatomic1\n' +
      '  Fedora, RHEL     dnf install -y libatomic\n',
  );
}

/** Path of the Node.js to run on: this one if it is new enough, else the pinned one of the optional dependencies. */
export function runtimePath() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major >= MAJOR) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), 'bin', 'node');
  } catch {
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return process.execPath;
    process.stderr.write(
      `sallyport needs Node.js ${MAJOR} (this is ${process.versions.node}) and the package ${name} is not installed.\n` +
        'Install it without --omit=optional on Linux x64 or arm64, or run it with Node.js 26.\n',
    );
    process.exit(1);
  }
}
