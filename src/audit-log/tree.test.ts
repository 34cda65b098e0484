import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { consistencyProof, inclusionProof, provesConsistency, provesInclusion, type Subtree } from './proof.ts';
import { base64OfHash, createTree, EMPTY_ROOT, leafHash, leafHashIn, parseHash, type Hash } from './tree.ts';

const bytes = (...parts: readonly (Hash | number)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part, 'latin1'))));

/** RFC 6962 §2.1, word by word. */
function naiveRoot(records: readonly string[]): Hash {
  if (records.length === 0) return hash('sha256', '', 'binary');
  if (records.length === 1) return hash('sha256', bytes(0, records[0] ?? ''), 'binary');
  let part = 1;
  while (part * 2 < records.length) part *= 2;
  return hash('sha256', bytes(1, naiveRoot(records.slice(0, part)), naiveRoot(records.slice(part))), 'binary');
}

const leavesOf = (records: readonly string[]): Hash[] => records.map((one) => leafHash(Buffer.from(one, 'latin1')));

function treeOf(records: readonly string[]) {
  const tree = createTree();
  leavesOf(records).forEach((leaf) => tree.push(leaf));
  return tree;
}

const subtreeOf =
  (records: readonly string[]): Subtree =>
  (from, to) =>
    naiveRoot(records.slice(from, to));

const hex = (value: Hash): string => Buffer.from(value, 'latin1').toString('hex');
const recordsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `record ${i}`);

/** Records that all differ, and a place among them. */
const logs = fc.integer({ min: 1, max: 70 }).chain((size) =>
  fc.record({
    records: fc.uniqueArray(fc.string({ unit: 'binary-ascii' }), { minLength: size, maxLength: size }),
    index: fc.integer({ min: 0, max: size - 1 }),
    spoilt: fc.nat(),
  }),
);

suite('the hash tree', () => {
  test('has the roots of the test vectors of Certificate Transparency', () => {
    // certificate-transparency, test vectors of the Merkle tree: leaves "", 00, 10, 2021, 3031, 40414243, …
    const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const tree = createTree();
    const roots = leaves.map((leaf) => {
      tree.push(leafHash(Buffer.from(leaf, 'hex')));
      return hex(tree.root());
    });
    assert.deepEqual(
      [roots[0], roots[1], roots[7]],
      [
        '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
        'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
        '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
      ],
    );
    assert.equal(hex(EMPTY_ROOT), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  test('grows to the root of RFC 6962 at every size, and goes on from its frontier', () => {
    for (let size = 0; size <= 130; size++) {
      const records = recordsOf(size);
      const tree = treeOf(records);
      assert.equal(tree.root(), naiveRoot(records), `size ${size}`);
      const later = createTree(size, tree.frontier());
      later.push(leafHash(Buffer.from('one more')));
      assert.equal(later.root(), naiveRoot([...records, 'one more']));
      assert.ok(tree.frontier().length <= 8, 'it keeps a hash for each power of two, no more');
    }
  });

  test('does not go on from a frontier of another size', () => {
    const frontier = treeOf(recordsOf(5)).frontier();
    assert.throws(() => createTree(7, frontier), RangeError);
    assert.throws(() => createTree(4, frontier), RangeError);
    assert.equal(createTree(5, frontier).root(), naiveRoot(recordsOf(5)));
  });

  test('goes on beyond 32 bits', () => {
    const size = 2 ** 40 + 2 ** 33 + 1;
    const leaf = leafHash(Buffer.from('x'));
    const tree = createTree(size, [leaf, leaf, leaf]);
    tree.push(leaf);
    assert.deepEqual([tree.size, tree.frontier().length], [size + 1, 3]);
  });

  test('hashes a record where it lies as it hashes it alone', () => {
    const around = Buffer.from('??a record??');
    assert.equal(leafHashIn(around, 2, 10), leafHash(Buffer.from('a record')));
  });

  test('a hash has one spelling', () => {
    const text = base64OfHash(EMPTY_ROOT);
    assert.equal(parseHash(text), EMPTY_ROOT);
    for (const other of [
      text.replace('=', ''),
      `${text} `,
      text.replace(/.=$/, 'V='),
      text.slice(4),
      `AAAA${text}`,
      '',
    ]) {
      assert.equal(parseHash(other), undefined, other);
    }
  });
});

suite('proofs', () => {
  test('an inclusion proof leads from each record to the root, and from no other record, place or root', () => {
    fc.assert(
      fc.property(logs, ({ records, index, spoilt }) => {
        const size = records.length;
        const root = naiveRoot(records);
        const proof = inclusionProof(subtreeOf(records), index, size);
        const leaf = leavesOf(records)[index] ?? '';
        assert.equal(provesInclusion(leaf, index, size, proof, root), true);
        assert.ok(proof.length <= Math.ceil(Math.log2(size)));
        assert.equal(provesInclusion(leafHash(Buffer.from('strange to it')), index, size, proof, root), false);
        assert.equal(provesInclusion(leaf, index, size, proof, leafHash(Buffer.from('no root'))), false);
        assert.equal(provesInclusion(leaf, index, size, [...proof, root], root), false);
        if (size > 1) {
          assert.equal(provesInclusion(leaf, (index + 1 + (spoilt % (size - 1))) % size, size, proof, root), false);
          assert.equal(provesInclusion(leaf, index, size, proof.slice(1), root), false);
          assert.equal(provesInclusion(leaf, index, size, spoiltAt(proof, spoilt), root), false);
        }
      }),
    );
  });

  test('a consistency proof leads from each beginning to the whole, and from nothing else', () => {
    fc.assert(
      fc.property(logs, ({ records, index, spoilt }) => {
        const old = { size: index + 1, root: naiveRoot(records.slice(0, index + 1)) };
        const now = { size: records.length, root: naiveRoot(records) };
        const proof = consistencyProof(subtreeOf(records), old.size, now.size);
        assert.equal(provesConsistency(old, now, proof), true);
        const strange = leafHash(Buffer.from('no root'));
        assert.equal(provesConsistency({ ...old, root: strange }, now, proof), false);
        assert.equal(provesConsistency(old, { ...now, root: strange }, proof), false);
        assert.equal(provesConsistency(old, now, [...proof, strange]), false);
        if (proof.length > 0) assert.equal(provesConsistency(old, now, spoiltAt(proof, spoilt)), false);
      }),
    );
  });

  test('there is no proof of a record that is not there, nor from a tree that is larger', () => {
    const subtree = subtreeOf(recordsOf(4));
    assert.throws(() => inclusionProof(subtree, 4, 4), RangeError);
    assert.throws(() => inclusionProof(subtree, -1, 4), RangeError);
    assert.throws(() => consistencyProof(subtree, 5, 4), RangeError);
    assert.throws(() => consistencyProof(subtree, 0, 4), RangeError);
    const root = naiveRoot(recordsOf(4));
    assert.equal(provesInclusion(root, 1, 1, [], root), false);
    assert.equal(provesConsistency({ size: 0, root }, { size: 4, root }, []), false);
    assert.equal(provesConsistency({ size: 5, root }, { size: 4, root }, []), false);
  });
});

function spoiltAt(proof: readonly Hash[], at: number): Hash[] {
  const place = at % proof.length;
  return proof.map((one, i) => (i === place ? leafHash(Buffer.from('spoilt')) : one));
}
