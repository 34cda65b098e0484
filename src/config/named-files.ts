import { readFileSync, statSync } from 'node:fs';
import { fileOfPlace, readRootKeySource, secretPlaceOf } from '../kernel/root-key-source.ts';
import { isSecretName, type Fault, type Path } from './mistake.ts';
import { valueAt } from './tree.ts';

/** What the loader wants to know of a file. */
export interface FileFacts {
  readonly isFile: boolean;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
}

/** The file system as the loader sees it, and who asks. */
export interface ConfigFiles {
  /** The text of a file of at most 1 MiB in UTF-8; undefined where it cannot be read. */
  read(file: string): string | undefined;
  /** Facts of a file, links followed; undefined where there is none. */
  stat(file: string): FileFacts | undefined;
  /** User id of this process; undefined where the system has none. */
  readonly uid: number | undefined;
}

const MAX_FILE_BYTES = 1024 ** 2;

/** The machine's files. */
export const systemFiles: ConfigFiles = {
  read(file) {
    try {
      if (statSync(file).size > MAX_FILE_BYTES) return undefined;
      return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
    } catch {
      return undefined;
    }
  },
  stat(file) {
    try {
      const facts = statSync(file);
      return { isFile: facts.isFile(), mode: facts.mode & 0o7777, uid: facts.uid };
    } catch {
      return undefined;
    }
  },
  uid: process.getuid?.(),
};

/** A file that an option names. */
export interface NamedFile {
  readonly path: Path;
  readonly file: string;
  readonly isSecret: boolean;
  /** It may be any bytes, no text. */
  readonly isBytes?: true;
}

/** Options that name a file, each with whether that is a secret; `*` stands for each position of a list. */
const OPTIONS: readonly (readonly [Path, boolean])[] = [
  [['listen', 'tls', 'certFile'], false],
  [['listen', 'tls', 'keyFile'], true],
  [['listen', 'tls', 'clientCaFile'], false],
  [['authentication', 'issuers', '*', 'caFile'], false],
  [['alerts', 'channels', '*', 'caFile'], false],
  [['telemetry', 'otlp', 'caFile'], false],
  [['upstreams', '*', 'tls', 'caFile'], false],
  [['upstreams', '*', 'tls', 'certFile'], false],
  [['upstreams', '*', 'tls', 'keyFile'], true],
  [['auditLog', 'ship', '*', 'caFile'], false],
  [['auditLog', 'ship', '*', 'certFile'], false],
  [['auditLog', 'ship', '*', 'keyFile'], true],
  [['auditLog', 'copies', '*', 'caFile'], false],
  [['auditLog', 'copies', '*', 'certFile'], false],
  [['auditLog', 'copies', '*', 'keyFile'], true],
];

/** The option whose text may name a file behind a word, such as `file:PATH`. */
export const ROOT_KEY_PATH: Path = ['keyring', 'rootKey'];

/**
 * The files that options name by path, in a configuration or in what may yet become one.
 *
 * @param env says where systemd has put credentials
 */
export function namedFilesOf(tree: unknown, env: Readonly<Record<string, string | undefined>>): NamedFile[] {
  return [...filesOfOptions(tree), ...rootKeyFile(tree, env)];
}

function rootKeyFile(tree: unknown, env: Readonly<Record<string, string | undefined>>): NamedFile[] {
  const text = valueAt(tree, ROOT_KEY_PATH);
  const source = typeof text === 'string' ? readRootKeySource(text) : undefined;
  const place = source === undefined ? undefined : secretPlaceOf(source);
  const file = place === undefined ? undefined : fileOfPlace(place, env);
  return file === undefined ? [] : [{ path: ROOT_KEY_PATH, file, isSecret: true, isBytes: true }];
}

function filesOfOptions(tree: unknown): NamedFile[] {
  return OPTIONS.flatMap(([option, isSecret]) => placesOf(tree, option).map((path) => ({ path, isSecret }))).flatMap(
    ({ path, isSecret }) => {
      const file = valueAt(tree, path);
      return typeof file === 'string' && file !== '' ? [{ path, file, isSecret }] : [];
    },
  );
}

function placesOf(tree: unknown, option: Path): Path[] {
  const at = option.indexOf('*');
  if (at < 0) return [option];
  const list = valueAt(tree, option.slice(0, at));
  return Array.isArray(list) ? list.map((_, i) => [...option.slice(0, at), i, ...option.slice(at + 1)]) : [];
}

/** A file that was read for `${file:PATH}`: secret where the option's name says so. */
export function referencedFile(path: Path, file: string): NamedFile {
  return { path, file, isSecret: path.some((step) => typeof step === 'string' && isSecretName(step)) };
}

/** What is wrong with a named file: absent, unreadable, or a secret that others may read or have put there. */
export function fileFault({ path, file, isSecret, isBytes }: NamedFile, files: ConfigFiles): Fault | undefined {
  const facts = files.stat(file);
  if (facts === undefined || !facts.isFile) {
    const found = facts === undefined ? 'there is no such file' : 'this is no file';
    return {
      path,
      found: `${file}: ${found}`,
      hint: 'Correct the path; it starts from the directory of the configuration.',
    };
  }
  if (isSecret && files.uid !== undefined && facts.uid !== files.uid && facts.uid !== 0) {
    const hint = `Its owner can read and replace this secret: chown ${files.uid} ${file}`;
    return { path, found: `${file} belongs to user ${facts.uid}`, hint };
  }
  if (isSecret && isOpen(facts, files.uid)) {
    const mode = facts.mode.toString(8).padStart(4, '0');
    return { path, found: `${file} has mode ${mode}`, hint: `Others can read this secret: chmod 600 ${file}` };
  }
  if (isBytes !== true && files.read(file) === undefined) {
    return { path, found: `${file} cannot be read`, hint: 'Let this user read it; it must be UTF-8 and below 1 MiB.' };
  }
  return undefined;
}

/**
 * Whether others can get at a secret. One of root's that a group may read was given to this process on purpose, as
 * systemd hands over credentials and Kubernetes secrets; one of our own was left open.
 */
function isOpen({ mode, uid }: FileFacts, ownUid: number | undefined): boolean {
  const isHandedOver = uid === 0 && ownUid !== 0;
  return (mode & (isHandedOver ? 0o037 : 0o077)) !== 0;
}
