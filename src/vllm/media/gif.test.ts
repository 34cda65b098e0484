import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { gifSize } from './gif.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const HEAD = latin1('GIF89a\x02\0\x02\0\0\0\0');
const FRAME = latin1(',\0\0\0\0\x02\0\x02\0\0\x02\x01\0\0');
const TRAILER = latin1(';');
const SMALL = { width: 2, height: 2, frames: 1 };

/** The size of a GIF of one frame with an extension before it. */
const sizeWith = (extension: string) => gifSize(Buffer.concat([HEAD, latin1(extension), FRAME, TRAILER]), 10);

for (const [name, extension] of [
  ['no extension', ''],
  ['a graphic control extension', '!\xf9\x04\0\0\0\0\0'],
  ['a comment', '!\xfe\x02hi\0'],
  ['plain text', '!\x01\x01a\0'],
  ['a loop', '!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0'],
  ['another application that has no data', '!\xff\x0bXMP DataXMP\0'],
] as const) {
  test(`a GIF with ${name} has the size of its screen`, () => assert.deepEqual(sizeWith(extension), SMALL));
}

// Pillow reads the frame behind these as data of the extension, and takes for the frame what is in that data.
for (const [name, extension] of [
  ['plain text', '!\x01\0'],
  ['a graphic control extension', '!\xf9\0'],
  ['an application', '!\xff\0'],
  ['a loop behind its name', '!\xff\x0bNETSCAPE2.0\0'],
  ['a longer name of a loop', '!\xff\x0cNETSCAPE2.0x\0'],
] as const) {
  test(`a GIF is malformed where the block of ${name} is empty`, () => assert.equal(sizeWith(extension), undefined));
}
