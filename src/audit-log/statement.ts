import { formatNote, isSignedBy, parseNote, parseVerifier, type Note, type Signer, type Verifier } from './note.ts';
import type { TreeHead } from './proof.ts';
import { base64OfHash, parseHash } from './tree.ts';

/** Keys that have signed a log, each vouched for by the one before, the oldest first. */
export interface KeyChain {
  readonly origin: string;
  readonly links: readonly KeyLink[];
}

/** One key of a chain. */
export interface KeyLink {
  readonly verifier: Verifier;
  /** It signs checkpoints of larger trees than this. */
  readonly fromSize: number;
  /** The tree that it has taken over; undefined of the first key, which found none. */
  readonly head: TreeHead | undefined;
}

/** First lines, which tell statements from checkpoints and from each other: a signature for one is none for another. */
const KEY_TITLE = 'sallyport/audit-log-key';
const RETENTION_TITLE = 'sallyport/audit-log-retention';
const NONE = 'none';
const NUMBER = /^(?:0|[1-9]\d{0,15})$/;

/** Says which key begins a log. */
export const signFirstKey = (signer: Signer): string =>
  signedKey([signer], [KEY_TITLE, signer.verifier.name, '0', NONE, signer.verifier.text]);

/**
 * Says which key signs from a tree on. Both sign, so that whoever trusts one of the two trusts the other: the old one
 * vouches for what comes, the new one for what was. The tree's root is in it: else who has stolen the old key could write
 * all that was before the change anew, and the new one would vouch for that.
 */
export function signKey(old: Signer, next: Signer, { size, root }: TreeHead): string {
  const { name, text: key } = next.verifier;
  return signedKey([old, next], [KEY_TITLE, name, String(size), old.verifier.text, key, base64OfHash(root)]);
}

function signedKey(signers: readonly Signer[], lines: readonly string[]): string {
  const text = `${lines.join('\n')}\n`;
  return formatNote({ text, signatures: signers.map((signer) => signer.sign(text)) });
}

/** Reads the statements of a log's keys, one after another; undefined unless all of them are whole, signed and linked. */
export function parseKeyChain(written: string): KeyChain | undefined {
  const blocks = written.split(new RegExp(`^(?=${KEY_TITLE}$)`, 'm'));
  const links: KeyLink[] = [];
  for (const block of blocks) {
    const link = linkFrom(block, links.at(-1));
    if (link === undefined) return undefined;
    links.push(link);
  }
  const [first] = links;
  return first === undefined ? undefined : { origin: first.verifier.name, links };
}

function linkFrom(block: string, before: KeyLink | undefined): KeyLink | undefined {
  const note = parseNote(block);
  const [title, origin, size = '', old, key = '', ...rest] = note?.text.split('\n') ?? [];
  const verifier = parseVerifier(key);
  if (note === undefined || verifier === undefined || verifier.name !== origin || !NUMBER.test(size)) return undefined;
  const [root = '', ...more] = before === undefined ? ['', ...rest] : rest;
  if (title !== KEY_TITLE || more.length !== 1 || more[0] !== '') return undefined;
  const fromSize = Number(size);
  const hash = parseHash(root);
  if (before !== undefined && hash === undefined) return undefined;
  const signers = before === undefined ? [verifier] : [before.verifier, verifier];
  const isLinked =
    before === undefined
      ? old === NONE && fromSize === 0
      : old === before.verifier.text && fromSize > before.fromSize && before.verifier.name === origin;
  const isSigned = note.signatures.length === signers.length && signers.every((one) => isSignedBy(note, one));
  const head = hash === undefined ? undefined : { size: fromSize, root: hash };
  return isLinked && isSigned ? { verifier, fromSize, head } : undefined;
}

/** The key that signs the checkpoint of a tree of that size. */
export const keyAt = ({ links }: KeyChain, size: number): Verifier | undefined =>
  links.findLast(({ fromSize }) => fromSize < size)?.verifier;

/** The key that signs now. */
export const lastKey = ({ links }: KeyChain): Verifier | undefined => links.at(-1)?.verifier;

/** How many records the log had when its last key took over: it is never shorter again. */
export const sizeAtLastKey = ({ links }: KeyChain): number => links.at(-1)?.fromSize ?? 0;

/** The trees that keys of the log have taken over. */
export const headsOfKeys = ({ links }: KeyChain): readonly TreeHead[] => links.flatMap(({ head }) => head ?? []);

/** Whether the chain has that key, and so all of it is vouched for by whoever trusts the key. */
export const hasKey = ({ links }: KeyChain, key: Verifier): boolean =>
  links.some(({ verifier }) => verifier.text === key.text);

/** Whether a note has the signature of one of the chain's keys. */
export const isSignedIn = ({ links }: KeyChain, note: Note): boolean =>
  links.some(({ verifier }) => isSignedBy(note, verifier));

/** Says that records before a sequence number are deleted by retention. */
export function signRetention(deletedBefore: number, signer: Signer): string {
  const text = `${RETENTION_TITLE}\n${signer.verifier.name}\n${deletedBefore}\n`;
  return formatNote({ text, signatures: [signer.sign(text)] });
}

/**
 * Before which sequence number records are deleted; undefined where no key of the log has said so. The log itself has to say
 * it, too: a key that is no more in use counts here, and in the log it signs nothing that is new.
 */
export function parseRetention(written: string, chain: KeyChain): number | undefined {
  const note = parseNote(written);
  if (note === undefined || !isSignedIn(chain, note)) return undefined;
  const [title, origin, size = '', end, ...more] = note.text.split('\n');
  const isOurs = title === RETENTION_TITLE && origin === chain.origin && end === '' && more.length === 0;
  return isOurs && NUMBER.test(size) && note.signatures.length === 1 ? Number(size) : undefined;
}
