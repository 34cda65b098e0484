import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { parseCheckpoint, parseCheckpoints, signCheckpoint, thinned } from './checkpoint.ts';
import { createSigner, formatNote, isSignedBy, parseNote, parseVerifier } from './note.ts';
import {
  hasKey,
  headsOfKeys,
  keyAt,
  parseKeyChain,
  parseRetention,
  signFirstKey,
  signKey,
  signRetention,
} from './statement.ts';
import { formatTlogProof, parseTlogProof } from './tlog-proof.ts';
import type { TreeHead } from './proof.ts';
import { base64OfHash, EMPTY_ROOT, leafHash } from './tree.ts';

const LOG = 'sallyport/0123456789abcdef';
const newSigner = (name = LOG) =>
  createSigner(name, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }));
const signer = newSigner();
const other = newSigner();
const root = leafHash(Buffer.from('a record'));
const checkpoint = (size: number, by = signer): string => signCheckpoint({ size, root }, by);

/** The example of the documentation of golang.org/x/mod/sumdb/note. */
const GO_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const GO_NOTE = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

suite('notes', () => {
  test("the example of Go's package is read, and its signature counts", () => {
    const [note, key] = [parseNote(GO_NOTE), parseVerifier(GO_KEY)];
    assert.ok(note && key);
    assert.equal(isSignedBy(note, key), true);
    assert.equal(formatNote(note), GO_NOTE);
    assert.equal(isSignedBy({ ...note, text: note.text.replace('your', 'my') }, key), false);
  });

  test('what it signs, its key finds signed, and no other key does', () => {
    const note = parseNote(checkpoint(3));
    assert.ok(note);
    assert.equal(isSignedBy(note, signer.verifier), true);
    assert.equal(isSignedBy(note, other.verifier), false);
    assert.equal(isSignedBy(note, newSigner('sallyport/fedcba9876543210').verifier), false);
  });

  test('a key has one form, and its hash belongs to its name', () => {
    const { text } = signer.verifier;
    assert.equal(parseVerifier(text)?.text, text);
    assert.equal(parseVerifier(`${text}\n`)?.text, text);
    const [name, id, key] = text.split('+').slice(0, 2).concat(text.split('+').slice(2).join('+'));
    for (const wrong of [
      `x${name}+${id}+${key}`,
      `${name}+00000000+${key}`,
      `${name}+${id}+${key?.slice(0, -4)}`,
      `${text}\n\n`,
      `${text}=`,
      '',
    ]) {
      assert.equal(parseVerifier(wrong), undefined, wrong);
    }
  });

  test('a key that is not Ed25519 signs nothing', () => {
    const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' });
    assert.throws(() => createSigner(LOG, pem));
  });

  test('one signature of the key that is wrong spoils the note, whatever stands beside it', () => {
    const note = parseNote(checkpoint(3));
    const false1 = parseNote(checkpoint(4));
    assert.ok(note && false1);
    assert.equal(
      isSignedBy({ ...note, signatures: [...note.signatures, ...false1.signatures] }, signer.verifier),
      false,
    );
    const cosigned = { ...note, signatures: [...note.signatures, other.sign(note.text)] };
    assert.equal(isSignedBy(cosigned, signer.verifier), true, 'a witness may sign, too');
  });

  test('any change of a byte of a checkpoint is seen', () => {
    const written = checkpoint(20_852_163);
    for (let at = 0; at < written.length; at++) {
      for (const changed of [
        written.slice(0, at) + String.fromCharCode((written.codePointAt(at) ?? 0) ^ 1) + written.slice(at + 1),
        written.slice(0, at) + written.slice(at + 1),
        `${written.slice(0, at)}\n${written.slice(at)}`,
        `${written.slice(0, at)}A${written.slice(at)}`,
      ]) {
        const found = parseCheckpoint(changed);
        assert.ok(found === undefined || !isSignedBy(found.note, signer.verifier) || changed === written, changed);
      }
    }
  });

  test('no text makes the parsers throw', () => {
    const near = fc.array(
      fc.constantFrom('\n', '\n\n', '— ', LOG, ' ', 'AAAAAAA=', '3', 'none', '+', 'index 0', '\u0000'),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          near.map((parts) => parts.join('')),
        ),
        (text) => {
          for (const parse of [parseNote, parseVerifier, parseCheckpoint, parseTlogProof, parseKeyChain]) parse(text);
          parseCheckpoints(text, LOG, 0);
        },
      ),
    );
  });
});

suite('checkpoints', () => {
  test('a checkpoint is three lines, an empty one and a signature', () => {
    const written = checkpoint(3);
    assert.match(
      written,
      /^sallyport\/0123456789abcdef\n3\n[\w+/]{43}=\n\n— sallyport\/0123456789abcdef [\w+/]{91}=\n$/,
    );
    const { origin, size, root: found } = parseCheckpoint(written) ?? {};
    assert.deepEqual([origin, size, found], [LOG, 3, root]);
  });

  for (const size of ['03', '-1', '1e3', '', ' 3', '99999999999999999']) {
    test(`a size is decimal in one spelling, not "${size}"`, () => {
      assert.equal(parseCheckpoint(checkpoint(3).replace('\n3\n', `\n${size}\n`)), undefined);
    });
  }

  test('checkpoints of a file are read up to the first that is torn, foreign, or no larger than the one before', () => {
    const good = checkpoint(3) + checkpoint(5);
    for (const behind of [
      checkpoint(6).slice(0, 50),
      checkpoint(5),
      checkpoint(4),
      checkpoint(7, newSigner('sallyport/other')),
      'x\n',
    ]) {
      const { checkpoints, readChars } = parseCheckpoints(good + behind + checkpoint(9), LOG, 2);
      assert.deepEqual([checkpoints.map(({ size }) => size), readChars], [[3, 5], good.length], behind);
    }
    assert.equal(parseCheckpoints(good, LOG, 3).checkpoints.length, 0, 'none at the size where the segment begins');
  });

  test('of many, some are kept, and always the last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 64 }), (count, most) => {
        const one = parseCheckpoint(checkpoint(1));
        assert.ok(one);
        const all = Array.from({ length: count }, (_, i) => ({ ...one, size: i + 1 }));
        const kept = thinned(all, most);
        assert.equal(kept.length, Math.min(count, most));
        assert.equal(kept.at(-1), all.at(-1));
        assert.ok(kept.every(({ size }, i) => i === 0 || size > (kept[i - 1]?.size ?? 0)));
      }),
      { numRuns: 50 },
    );
  });

  test('a proof is read as it is written, with what a witness has added', () => {
    const written = formatTlogProof(7, [EMPTY_ROOT, root], checkpoint(9));
    const { index, hashes, checkpoint: of } = parseTlogProof(written) ?? {};
    assert.deepEqual([index, hashes, of?.size], [7, [EMPTY_ROOT, root], 9]);
    assert.equal(parseTlogProof(written.replace('index', 'extra AAAA\nindex'))?.index, 7);
    assert.equal(parseTlogProof(formatTlogProof(0, [], checkpoint(1)))?.hashes.length, 0);
    for (const wrong of [
      written.replace('@v1', '@v2'),
      written.replace('index 7', 'index 07'),
      written.replace('index 7\n', ''),
      written.replace('=\n', '\n'),
    ]) {
      assert.equal(parseTlogProof(wrong), undefined);
    }
  });
});

suite('statements', () => {
  const third = newSigner();
  const at = (size: number): TreeHead => ({ size, root: leafHash(Buffer.from(`tree of ${size}`)) });
  const chainText = signFirstKey(signer) + signKey(signer, other, at(10)) + signKey(other, third, at(20));

  test('a chain of keys leads from each key to all others, and says from which size on each signs', () => {
    const chain = parseKeyChain(chainText);
    assert.ok(chain);
    assert.equal(chain.origin, LOG);
    for (const { verifier } of [signer, other, third]) assert.equal(hasKey(chain, verifier), true);
    assert.equal(hasKey(chain, newSigner().verifier), false);
    for (const [size, key] of [
      [1, signer],
      [10, signer],
      [11, other],
      [20, other],
      [21, third],
    ] as const) {
      assert.equal(keyAt(chain, size)?.text, key.verifier.text, `size ${size}`);
    }
  });

  for (const { name, text } of [
    { name: 'the old key has not signed', text: signFirstKey(signer) + signKey(third, other, at(10)) },
    { name: 'a link is missing', text: signFirstKey(signer) + signKey(other, third, at(20)) },
    { name: 'the order is another', text: signKey(signer, other, at(10)) + signFirstKey(signer) },
    { name: 'a size does not grow', text: chainText + signKey(third, signer, at(20)) },
    { name: 'it begins in the middle', text: signKey(signer, other, at(10)) },
    {
      name: 'the new key has another name',
      text: signFirstKey(signer) + signKey(signer, newSigner('sallyport/x'), at(10)),
    },
    { name: 'something stands behind it', text: `${chainText}\n` },
    { name: 'it is empty', text: '' },
  ]) {
    test(`a chain does not count where ${name}`, () => assert.equal(parseKeyChain(text), undefined));
  }

  test('a chain does not count where the new key has not signed: a foreign key is not made the log’s own', () => {
    const text = signFirstKey(signer) + signKey(signer, other, at(10));
    assert.ok(parseKeyChain(text));
    const lines = text.split('\n');
    assert.equal(parseKeyChain(`${lines.slice(0, -2).join('\n')}\n`), undefined);
  });

  test('a chain does not count where the new key names another one than it follows: it would vouch for a past not its own', () => {
    const root = base64OfHash(at(10).root);
    const parts = ['sallyport/audit-log-key', LOG, '10', third.verifier.text, other.verifier.text, root, ''];
    const link = (text: string): string => formatNote({ text, signatures: [signer.sign(text), other.sign(text)] });
    assert.equal(parseKeyChain(signFirstKey(signer) + link(parts.join('\n'))), undefined);
    assert.ok(parseKeyChain(signFirstKey(signer) + link(parts.with(3, signer.verifier.text).join('\n'))));
  });

  test('a chain says which trees its keys have taken over, and does not count where one after the first says none', () => {
    const chain = parseKeyChain(chainText);
    assert.deepEqual(chain && headsOfKeys(chain), [at(10), at(20)]);
    const text = `sallyport/audit-log-key\n${LOG}\n10\n${signer.verifier.text}\n${other.verifier.text}\n`;
    const link = formatNote({ text, signatures: [signer.sign(text), other.sign(text)] });
    assert.equal(parseKeyChain(signFirstKey(signer) + link), undefined);
  });

  test('any change of a byte of a chain is seen', () => {
    for (let at = 0; at < chainText.length; at++) {
      const changed =
        chainText.slice(0, at) + String.fromCharCode((chainText.codePointAt(at) ?? 0) ^ 1) + chainText.slice(at + 1);
      assert.equal(parseKeyChain(changed), undefined, String(at));
      assert.equal(parseKeyChain(chainText.slice(0, at) + chainText.slice(at + 1)), undefined, String(at));
    }
  });

  test('what retention says counts with a key of the log, and only as it is written', () => {
    const chain = parseKeyChain(chainText);
    assert.ok(chain);
    assert.equal(parseRetention(signRetention(70, other), chain), 70);
    assert.equal(parseRetention(signRetention(70, newSigner()), chain), undefined);
    assert.equal(parseRetention(signRetention(70, other).replace('70', '71'), chain), undefined);
    const [text] = signRetention(70, other).replace(LOG, 'sallyport/fedcba9876543210').split('\n\n');
    const moved = formatNote({ text: `${text}\n`, signatures: [other.sign(`${text}\n`)] });
    assert.equal(parseRetention(moved, chain), undefined, 'nor what the same key has said of another log');
    assert.equal(parseRetention(checkpoint(70), chain), undefined, 'a checkpoint is none');
    assert.equal(parseCheckpoint(signRetention(70, other)), undefined, 'and it is no checkpoint');
  });
});
