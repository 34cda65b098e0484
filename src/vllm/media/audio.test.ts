import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../fields/refusal.ts';
import { DEFAULT_AUDIO_CAPS, checkAudioFile, checkInputAudio } from './audio.ts';

interface Wav {
  readonly format?: number;
  readonly channels?: number;
  readonly sampleRate?: number;
  readonly bits?: number;
  readonly dataBytes?: number;
  readonly byteRate?: number;
}

function wav({ format = 1, channels = 1, sampleRate = 16_000, bits = 16, dataBytes = 32_000, byteRate }: Wav): Buffer {
  const bytes = Buffer.alloc(44 + dataBytes);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(36 + dataBytes, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(format, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(sampleRate, 24);
  bytes.writeUInt32LE(byteRate ?? (sampleRate * channels * bits) / 8, 28);
  bytes.writeUInt16LE((channels * bits) / 8, 32);
  bytes.writeUInt16LE(bits, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(dataBytes, 40);
  return bytes;
}

function flac(sampleRate: number, channels: number, samples: number): Buffer {
  const bytes = Buffer.alloc(60);
  bytes.write('fLaC', 0, 'latin1');
  bytes.writeUInt32BE(34, 4);
  bytes.writeUInt32BE(sampleRate * 4096 + (channels - 1) * 512 + 15 * 16 + Math.floor(samples / 2 ** 32), 18);
  bytes.writeUInt32BE(samples % 2 ** 32, 22);
  return bytes;
}

const FRAME = '\xff\xfb\x90\x64';
/** A tag of 130 bytes, and what stands behind it. */
const tagged = (rest: string, flags = 0): Buffer =>
  latin1(`ID3\x04\0${String.fromCharCode(flags)}\0\0\x01\x02${'t'.repeat(130)}${rest}`);
const page = (content: string): Buffer =>
  Buffer.from(`OggS\0${'\0'.repeat(21)}\x01\x13${content}${'\0'.repeat(20)}`, 'latin1');
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

function verdict(format: string, bytes: Buffer, caps = DEFAULT_AUDIO_CAPS): string {
  const facts = checkInputAudio({ data: bytes.toString('base64'), format }, caps);
  if (facts instanceof Refusal) return `${facts.code} ${facts.path}`;
  return `${facts.format} ${facts.seconds ?? '?'}s`;
}

const INVALID = 'invalid_field data';
const RANGE = 'value_out_of_range data';
for (const { name, format, bytes, is } of [
  { name: 'a second of WAV', format: 'wav', bytes: wav({}), is: 'wav 1s' },
  { name: 'stereo', format: 'wav', bytes: wav({ channels: 2 }), is: 'wav 0.5s' },
  { name: 'floats', format: 'wav', bytes: wav({ format: 3, bits: 32 }), is: 'wav 0.5s' },
  { name: 'WAV whose length is open', format: 'wav', bytes: wav({}).fill(0xff, 40, 44), is: 'wav 1s' },
  { name: 'MP3 with a tag', format: 'mp3', bytes: tagged(FRAME), is: 'mp3 ?s' },
  { name: 'MP3 with padding behind a tag', format: 'mp3', bytes: tagged(`\0\0\0${FRAME}`), is: 'mp3 ?s' },
  { name: 'MP3 with a footer', format: 'mp3', bytes: tagged(`3DI\x04\0\0\0\0\x01\x02${FRAME}`, 0x10), is: 'mp3 ?s' },
  { name: 'a tag with a playlist behind it', format: 'mp3', bytes: tagged('#EXTM3U\nhttp://10.0.0.1/'), is: INVALID },
  { name: 'a tag with nothing behind it', format: 'mp3', bytes: tagged(''), is: INVALID },
  { name: 'a tag that is cut', format: 'mp3', bytes: latin1('ID3\x04\0\0'), is: INVALID },
  { name: 'a tag of no size', format: 'mp3', bytes: latin1(`ID3\x04\0\0\0\0\x80\0${FRAME}`), is: INVALID },
  { name: 'a frame of MP3', format: 'mp3', bytes: latin1('\xff\xfb\x90\x64'), is: 'mp3 ?s' },
  { name: 'FLAC', format: 'flac', bytes: flac(48_000, 2, 96_000), is: 'flac 2s' },
  { name: 'Ogg', format: 'ogg', bytes: page('\x01vorbis'), is: 'ogg ?s' },
  { name: 'Opus', format: 'opus', bytes: page('OpusHead'), is: 'opus ?s' },
  { name: 'M4A', format: 'm4a', bytes: latin1('\0\0\0\x1cftypM4A \0\0\0\0'), is: 'm4a ?s' },
  { name: 'a format that is not known', format: 'aiff', bytes: latin1('FORM'), is: 'invalid_field format' },
  { name: 'a format of the prototype', format: 'constructor', bytes: latin1('FORM'), is: 'invalid_field format' },
  { name: 'MP3 that is called WAV', format: 'wav', bytes: latin1('ID3\x04\0\0\0\0\0\0'), is: INVALID },
  { name: 'an image that is called WAV', format: 'wav', bytes: latin1('RIFF\0\0\0\0WEBPVP8 '), is: INVALID },
  { name: 'Vorbis that is called Opus', format: 'opus', bytes: page('\x01vorbis'), is: INVALID },
  { name: 'layer II that is called MP3', format: 'mp3', bytes: latin1('\xff\xfd\x90\x64'), is: INVALID },
  { name: 'MP3 without bit rate', format: 'mp3', bytes: latin1('\xff\xfb\xf0\x64'), is: INVALID },
  { name: 'AVIF that is called M4A', format: 'm4a', bytes: latin1('\0\0\0\x1cftypavif'), is: INVALID },
  { name: 'compressed WAV', format: 'wav', bytes: wav({ format: 85 }), is: INVALID },
  { name: 'WAV without channel', format: 'wav', bytes: wav({ channels: 0 }), is: INVALID },
  { name: 'WAV of 12 bits', format: 'wav', bytes: wav({ bits: 12 }), is: INVALID },
  { name: 'WAV whose rates contradict', format: 'wav', bytes: wav({ byteRate: 1_000_000 }), is: INVALID },
  { name: 'WAV without data', format: 'wav', bytes: wav({}).subarray(0, 36), is: INVALID },
  { name: 'FLAC of unknown length', format: 'flac', bytes: flac(8000, 1, 0), is: INVALID },
  { name: 'FLAC without header', format: 'flac', bytes: latin1('fLaC'), is: INVALID },
  { name: '4,000 samples a second', format: 'wav', bytes: wav({ sampleRate: 4000 }), is: 'wav 4s' },
  { name: '3,999 samples a second', format: 'wav', bytes: wav({ sampleRate: 3999 }), is: RANGE },
  { name: '192,001 samples a second', format: 'wav', bytes: wav({ sampleRate: 192_001 }), is: RANGE },
  { name: '8 channels', format: 'wav', bytes: wav({ channels: 8, bits: 8 }), is: 'wav 0.25s' },
  { name: '9 channels', format: 'wav', bytes: wav({ channels: 9, bits: 8 }), is: RANGE },
  { name: '600 seconds', format: 'flac', bytes: flac(8000, 1, 4_800_000), is: 'flac 600s' },
  { name: 'a sample more', format: 'flac', bytes: flac(8000, 1, 4_800_001), is: RANGE },
  { name: 'hours in a few bytes', format: 'flac', bytes: flac(8000, 1, 2 ** 36 - 1), is: RANGE },
]) {
  test(`${/^(invalid|value)/.test(is) ? 'refuses' : 'accepts'} ${name}`, () =>
    assert.equal(verdict(format, bytes), is));
}

/** As `verdict`, of a file that says nothing of its format. */
function fileVerdict(bytes: Buffer, caps = DEFAULT_AUDIO_CAPS): string {
  const facts = checkAudioFile(bytes, caps);
  if (facts instanceof Refusal) return `${facts.code} ${facts.path}`.trim();
  return `${facts.format} ${facts.seconds ?? '?'}s`;
}

for (const { name, bytes, is } of [
  { name: 'WAV', bytes: wav({}), is: 'wav 1s' },
  { name: 'FLAC', bytes: flac(48_000, 2, 96_000), is: 'flac 2s' },
  { name: 'MP3 without a tag', bytes: latin1('\xff\xfb\x90\x64'), is: 'mp3 ?s' },
  { name: 'MP3 with a tag', bytes: tagged(FRAME), is: 'mp3 ?s' },
  { name: 'Ogg that holds Vorbis', bytes: page('\x01vorbis'), is: 'ogg ?s' },
  { name: 'Ogg that holds Opus', bytes: page('OpusHead'), is: 'opus ?s' },
  { name: 'M4A', bytes: latin1('\0\0\0\x1cftypM4A \0\0\0\0'), is: 'm4a ?s' },
  { name: 'WebM', bytes: latin1('\x1a\x45\xdf\xa3webm'), is: 'invalid_field' },
  { name: 'a playlist', bytes: latin1('#EXTM3U\nhttp://10.0.0.1/'), is: 'invalid_field' },
  { name: 'a list of files for FFmpeg', bytes: latin1('ffconcat version 1.0\nfile /etc/passwd'), is: 'invalid_field' },
  { name: 'a tag with a playlist behind it', bytes: tagged('#EXTM3U\n'), is: 'invalid_field' },
  { name: 'nothing', bytes: latin1(''), is: 'invalid_field' },
  { name: 'WAV with 9 channels', bytes: wav({ channels: 9, bits: 8 }), is: 'value_out_of_range' },
  { name: 'FLAC of unknown length', bytes: flac(8000, 1, 0), is: 'invalid_field' },
  { name: 'FLAC of 11 minutes', bytes: flac(8000, 1, 8000 * 660), is: 'value_out_of_range' },
]) {
  test(`a file that is ${name} is ${is}`, () => assert.equal(fileVerdict(bytes), is));
}

test('the cap of bytes is that of the file', () => {
  const bytes = wav({});
  assert.equal(fileVerdict(bytes, { ...DEFAULT_AUDIO_CAPS, mediaBytes: bytes.length }), 'wav 1s');
  assert.equal(fileVerdict(bytes, { ...DEFAULT_AUDIO_CAPS, mediaBytes: bytes.length - 1 }), 'value_out_of_range');
});

test('a file of any bytes never throws', () => {
  const begun = fc.tuple(
    fc.constantFrom('RIFF\0\0\0\0WAVE', 'ID3', 'fLaC', 'OggS\0', '\0\0\0\0ftypM4A '),
    fc.uint8Array(),
  );
  fc.assert(
    fc.property(begun, ([start, rest]) => void checkAudioFile(Buffer.concat([latin1(start), Buffer.from(rest)]))),
  );
});

test('the cap of bytes is that of the recording', () => {
  const bytes = wav({});
  assert.equal(verdict('wav', bytes, { ...DEFAULT_AUDIO_CAPS, mediaBytes: bytes.length }), 'wav 1s');
  assert.equal(verdict('wav', bytes, { ...DEFAULT_AUDIO_CAPS, mediaBytes: bytes.length - 1 }), RANGE);
});

test('what is no strict base64 is refused', () => {
  for (const data of ['', 'UklGR', 'UklG Rg=', 'data:audio/wav;base64,UklG']) {
    assert.ok(checkInputAudio({ data, format: 'wav' }) instanceof Refusal, data);
  }
});

test('never throws', () => {
  const format = fc.constantFrom('wav', 'mp3', 'flac', 'ogg', 'opus', 'm4a', 'x');
  const damaged = fc.tuple(fc.nat(43), fc.nat(255)).map(([at, value]) => wav({ dataBytes: 8 }).fill(value, at, at + 1));
  const data = fc.oneof(
    fc.string(),
    fc.base64String(),
    damaged.map((bytes) => bytes.toString('base64')),
  );
  fc.assert(fc.property(data, format, (text, name) => void checkInputAudio({ data: text, format: name })));
});
