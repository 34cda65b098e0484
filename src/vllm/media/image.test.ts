import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../fields/refusal.ts';
import { DEFAULT_MEDIA_CAPS, checkImageUrl } from './image.ts';

const u16 = (value: number): number[] => [value >>> 8, value & 255];
const u16le = (value: number): number[] => u16(value).toReversed();
const u32 = (value: number): number[] => [...u16(Math.floor(value / 65536)), ...u16(value % 65536)];
const u32le = (value: number): number[] => u32(value).toReversed();
const u24le = (value: number): number[] => u32le(value).slice(0, 3);
const ascii = (text: string): number[] => [...text].map((char) => char.charCodeAt(0));
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

const chunk = (type: string, data: readonly number[]): number[] => [
  ...u32(data.length),
  ...ascii(type),
  ...data,
  ...zeros(4),
];
const PNG_HEAD = [0x89, ...ascii('PNG\r\n'), 0x1a, 0x0a];
const ihdr = (width: number, height: number): number[] => chunk('IHDR', [...u32(width), ...u32(height), 8, 2, 0, 0, 0]);
const png = (width: number, height: number, middle = chunk('IDAT', zeros(4000))): number[] => [
  ...PNG_HEAD,
  ...ihdr(width, height),
  ...middle,
  ...chunk('IEND', []),
];

const segment = (marker: number, data: readonly number[]): number[] => [0xff, marker, ...u16(data.length + 2), ...data];
const sof = (width: number, height: number, marker = 0xc0, precision = 8): number[] =>
  segment(marker, [precision, ...u16(height), ...u16(width), 1, 1, 0x11, 0]);
const SCAN = [...segment(0xda, [1, 1, 0, 0, 63, 0]), 0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56];
const EOI = [0xff, 0xd9];
const jpeg = (...parts: readonly (readonly number[])[]): number[] => [
  0xff,
  0xd8,
  ...segment(0xe0, ascii('JFIF\0')),
  ...parts.flat(),
  ...EOI,
];

const frame = (width: number, height: number, left = 0): number[] => [
  0x2c,
  ...u16le(left),
  ...u16le(0),
  ...u16le(width),
  ...u16le(height),
  ...[0, 2, 2, 0x4c, 0x01, 0],
];
const gif = (width: number, height: number, ...blocks: readonly (readonly number[])[]): number[] => [
  ...ascii('GIF89a'),
  ...u16le(width),
  ...u16le(height),
  ...[0x80, 0, 0],
  ...zeros(6),
  ...[0x21, 0xf9, 4, 0, 0, 0, 0, 0],
  ...blocks.flat(),
  0x3b,
];

const riff = (...chunks: readonly (readonly number[])[]): number[] => [
  ...ascii('RIFF'),
  ...u32le(4 + chunks.flat().length),
  ...ascii('WEBP'),
  ...chunks.flat(),
];
const part = (type: string, data: readonly number[]): number[] => [
  ...ascii(type),
  ...u32le(data.length),
  ...data,
  ...zeros(data.length % 2),
];
const vp8 = (width: number, height: number): number[] =>
  part('VP8 ', [0, 0, 0, 0x9d, 0x01, 0x2a, ...u16le(width), ...u16le(height), 0, 0]);
const vp8l = (width: number, height: number): number[] =>
  part('VP8L', [0x2f, ...u32le(width - 1 + (height - 1) * 2 ** 14)]);
const vp8x = (width: number, height: number, flags = 0): number[] =>
  part('VP8X', [flags, 0, 0, 0, ...u24le(width - 1), ...u24le(height - 1)]);
const anmf = part('ANMF', zeros(16));

const url = (type: string, bytes: readonly number[]): string =>
  `data:image/${type};base64,${Buffer.from(bytes).toString('base64')}`;

/** What the check says: size and frames, or the code of the refusal. */
function verdict(text: string, caps = DEFAULT_MEDIA_CAPS): string {
  const facts = checkImageUrl(text, caps);
  if (facts instanceof Refusal) return facts.code;
  return `${facts.mediaType} ${facts.width}x${facts.height} ${facts.frames}`;
}

const INVALID = 'invalid_field';
const RANGE = 'value_out_of_range';
const many = { ...DEFAULT_MEDIA_CAPS, frames: 3 };

for (const { name, type, bytes, is } of [
  { name: 'a PNG', type: 'png', bytes: png(20, 10), is: 'image/png 20x10 1' },
  { name: 'a JPEG', type: 'jpeg', bytes: jpeg(sof(20, 10), SCAN), is: 'image/jpeg 20x10 1' },
  { name: 'a JPEG under its other name', type: 'jpg', bytes: jpeg(sof(20, 10), SCAN), is: 'image/jpeg 20x10 1' },
  { name: 'a progressive JPEG', type: 'jpeg', bytes: jpeg(sof(9, 8, 0xc2), SCAN, SCAN), is: 'image/jpeg 9x8 1' },
  { name: 'a JPEG with fill bytes', type: 'jpeg', bytes: jpeg([0xff, 0xff], sof(9, 8), SCAN), is: 'image/jpeg 9x8 1' },
  { name: 'a GIF', type: 'gif', bytes: gif(20, 10, frame(20, 10)), is: 'image/gif 20x10 1' },
  { name: 'a GIF whose frame is larger', type: 'gif', bytes: gif(2, 1, frame(20, 10, 5)), is: 'image/gif 25x10 1' },
  { name: 'a lossy WebP', type: 'webp', bytes: riff(vp8(20, 10)), is: 'image/webp 20x10 1' },
  { name: 'a lossless WebP', type: 'webp', bytes: riff(vp8l(20, 16383)), is: 'image/webp 20x16383 1' },
  { name: 'an extended WebP', type: 'webp', bytes: riff(vp8x(20, 10), vp8(20, 10)), is: 'image/webp 20x10 1' },
]) {
  test(`accepts ${name}`, () => assert.equal(verdict(url(type, bytes)), is));
}

const PNG_BYTES = png(20, 10);
for (const { name, type, bytes, is = INVALID } of [
  { name: 'HTML that is a PNG', type: '../text/html', bytes: PNG_BYTES },
  { name: 'a PNG that is called a JPEG', type: 'jpeg', bytes: PNG_BYTES },
  { name: 'a JPEG that is called a PNG', type: 'png', bytes: jpeg(sof(20, 10), SCAN) },
  { name: 'SVG', type: 'svg+xml', bytes: ascii('<svg/>') },
  { name: 'SVG that is called a PNG', type: 'png', bytes: ascii('<svg xmlns="http://www.w3.org/2000/svg"/>') },
  { name: 'JPEG 2000', type: 'jp2', bytes: [0, 0, 0, 12, ...ascii('jP  \r\n'), 0x87, 0x0a] },
  { name: 'JPEG 2000 that is called a JPEG', type: 'jpeg', bytes: [0, 0, 0, 12, ...ascii('jP  \r\n'), 0x87, 0x0a] },
  { name: 'a code stream of JPEG 2000 that is called a JPEG', type: 'jpeg', bytes: [0xff, 0x4f, 0xff, 0x51] },
  { name: 'TIFF', type: 'tiff', bytes: ascii('II*\0') },
  { name: 'BMP', type: 'bmp', bytes: ascii('BM') },
  { name: 'AVIF', type: 'avif', bytes: [0, 0, 0, 28, ...ascii('ftypavif')] },
  { name: 'a PNG without end', type: 'png', bytes: PNG_BYTES.slice(0, -12) },
  { name: 'a PNG with something behind its end', type: 'png', bytes: [...PNG_BYTES, 0] },
  { name: 'a PNG cut within a chunk', type: 'png', bytes: PNG_BYTES.slice(0, 100) },
  {
    name: 'a PNG whose first chunk is another',
    type: 'png',
    bytes: [...PNG_HEAD, ...chunk('tEXt', zeros(13)), ...chunk('IEND', [])],
  },
  { name: 'a PNG with two headers', type: 'png', bytes: png(2, 2, [...ihdr(9999, 9999), ...chunk('IDAT', zeros(9))]) },
  { name: 'a PNG without data', type: 'png', bytes: png(2, 2, []) },
  {
    name: 'a PNG with data in two places',
    type: 'png',
    bytes: png(2, 2, [...chunk('IDAT', [1]), ...chunk('tEXt', [1]), ...chunk('IDAT', [1])]),
  },
  { name: 'a PNG with less data than its pixels need', type: 'png', bytes: png(5000, 5000, chunk('IDAT', zeros(9))) },
  { name: 'a PNG of no width', type: 'png', bytes: png(0, 5), is: RANGE },
  { name: 'a JPEG without frame', type: 'jpeg', bytes: jpeg(SCAN) },
  { name: 'a JPEG without scan', type: 'jpeg', bytes: jpeg(sof(2, 2)) },
  { name: 'a JPEG with two frames', type: 'jpeg', bytes: jpeg(sof(2, 2), sof(9999, 9999), SCAN) },
  { name: 'a JPEG with a frame behind its scan', type: 'jpeg', bytes: jpeg(sof(2, 2), SCAN, sof(9999, 9999)) },
  { name: 'a JPEG that gives its height later', type: 'jpeg', bytes: jpeg(sof(2, 2), SCAN, segment(0xdc, u16(9999))) },
  { name: 'a JPEG without height', type: 'jpeg', bytes: jpeg(sof(2, 0), SCAN), is: RANGE },
  { name: 'a lossless JPEG', type: 'jpeg', bytes: jpeg(sof(2, 2, 0xc3), SCAN) },
  { name: 'an arithmetic-coded JPEG', type: 'jpeg', bytes: jpeg(sof(2, 2, 0xc9), SCAN) },
  { name: 'a JPEG of 12 bits', type: 'jpeg', bytes: jpeg(sof(2, 2, 0xc1, 12), SCAN) },
  { name: 'a JPEG without end', type: 'jpeg', bytes: jpeg(sof(2, 2), SCAN).slice(0, -2) },
  { name: 'a GIF without frame', type: 'gif', bytes: gif(2, 2) },
  { name: 'a GIF without end', type: 'gif', bytes: gif(2, 2, frame(2, 2)).slice(0, -1) },
  { name: 'an animated GIF', type: 'gif', bytes: gif(2, 2, frame(2, 2), frame(2, 2)), is: RANGE },
  {
    name: 'an animated PNG',
    type: 'png',
    bytes: png(2, 2, [...chunk('acTL', [...u32(2), ...u32(0)]), ...chunk('IDAT', [1])]),
    is: RANGE,
  },
  { name: 'an animated WebP', type: 'webp', bytes: riff(vp8x(2, 2, 2), anmf, anmf), is: RANGE },
  { name: 'a WebP whose image is larger than its canvas', type: 'webp', bytes: riff(vp8x(2, 2), vp8(9999, 9999)) },
  { name: 'a WebP with frames that says it has none', type: 'webp', bytes: riff(vp8x(2, 2), anmf) },
  { name: 'a WebP without image', type: 'webp', bytes: riff(vp8x(2, 2)) },
  { name: 'a WebP that is longer than it says', type: 'webp', bytes: [...riff(vp8(2, 2)), 0, 0] },
]) {
  test(`refuses ${name}`, () => assert.equal(verdict(url(type, bytes)), is));
}

for (const [frames, code] of [
  [3, 'accepted'],
  [4, RANGE],
] as const) {
  for (const [type, bytes] of [
    ['gif', gif(2, 2, ...Array.from({ length: frames }, () => frame(2, 2)))],
    [
      'png',
      png(2, 2, [...Array.from({ length: frames }, () => chunk('fcTL', zeros(26))).flat(), ...chunk('IDAT', [1])]),
    ],
    ['webp', riff(vp8x(2, 2, 2), ...Array.from({ length: frames }, () => anmf))],
  ] as const) {
    test(`${code === 'accepted' ? 'accepts' : 'refuses'} ${frames} frames of a ${type} where 3 may be`, () => {
      const is = verdict(url(type, bytes), many);
      assert.equal(is, code === 'accepted' ? `image/${type} 2x2 3` : code);
    });
  }
}

test('accepts as many scans of a JPEG as a progressive one may have, and no more', () => {
  const scans = (count: number): number[] => jpeg(sof(2, 2, 0xc2), ...Array.from({ length: count }, () => SCAN));
  assert.equal(verdict(url('jpeg', scans(64))), 'image/jpeg 2x2 1');
  assert.equal(verdict(url('jpeg', scans(65))), INVALID);
});

test('accepts 40 megapixels and no more, whatever the shape', () => {
  assert.equal(verdict(url('jpeg', jpeg(sof(8000, 5000), SCAN))), 'image/jpeg 8000x5000 1');
  assert.equal(verdict(url('jpeg', jpeg(sof(8001, 5000), SCAN))), RANGE);
  assert.equal(verdict(url('gif', gif(65535, 65535, frame(1, 1)))), RANGE);
  assert.equal(verdict(url('webp', riff(vp8x(2 ** 24, 2 ** 24), vp8(1, 1)))), INVALID);
});

test('the bomb of the recorded attack, 20 kB that unpack to 13,000 by 13,000, is refused for its pixels', () => {
  const bomb = url('png', png(13_000, 13_000, chunk('IDAT', zeros(510_000))));
  assert.equal(verdict(bomb), RANGE);
});

test('the least side is what the caps say, and never less than one pixel', () => {
  const at = (side: number, minSide: number): string =>
    verdict(url('png', png(side, 20)), { ...DEFAULT_MEDIA_CAPS, minSide });
  assert.equal(at(16, 16), 'image/png 16x20 1');
  assert.equal(at(15, 16), RANGE);
  assert.equal(at(1, 1), 'image/png 1x20 1');
  assert.equal(at(1, 0), 'image/png 1x20 1');
});

test('the cap of bytes is that of the image, not of its base64', () => {
  const mediaBytes = PNG_BYTES.length;
  assert.equal(verdict(url('png', PNG_BYTES), { ...DEFAULT_MEDIA_CAPS, mediaBytes }), 'image/png 20x10 1');
  assert.equal(verdict(url('png', PNG_BYTES), { ...DEFAULT_MEDIA_CAPS, mediaBytes: mediaBytes - 1 }), RANGE);
  assert.equal(
    verdict(`data:image/png;base64,${'A'.repeat(2000)}`, { ...DEFAULT_MEDIA_CAPS, mediaBytes: 1000 }),
    RANGE,
  );
});

const GOOD: readonly (readonly [string, readonly number[]])[] = [
  ['png', png(20, 10, chunk('IDAT', zeros(20)))],
  ['jpeg', jpeg(sof(20, 10), SCAN)],
  ['gif', gif(20, 10, frame(20, 10))],
  ['webp', riff(vp8x(20, 10), vp8(20, 10))],
];

test('an image cut at any place is refused', () => {
  for (const [type, bytes] of GOOD) {
    for (let length = 1; length < bytes.length; length++) {
      assert.ok(checkImageUrl(url(type, bytes.slice(0, length))) instanceof Refusal, `${type} of ${length} bytes`);
    }
  }
});

test('no text and no damaged image makes it throw or say anything of the content', () => {
  const damaged = fc
    .tuple(fc.constantFrom(...GOOD), fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 8 }))
    .map(([[type, bytes], changes]) => {
      const copy = [...bytes];
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return url(type, copy);
    });
  fc.assert(
    fc.property(
      fc.oneof(
        damaged,
        fc.string({ unit: 'binary' }),
        fc.base64String().map((s) => `data:image/png;base64,${s}`),
      ),
      (text) => {
        const facts = checkImageUrl(text);
        if (facts instanceof Refusal) assert.match(facts.message, /^[\x20-\x7e]+$/);
        else assert.ok(facts.width * facts.height <= DEFAULT_MEDIA_CAPS.pixels && facts.width > 0 && facts.height > 0);
      },
    ),
  );
});
