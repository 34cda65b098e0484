import { Buffer } from 'node:buffer';
import { Refusal, invalid, outOfRange } from '../fields/refusal.ts';
import { has, spells, uint16le, uint32, uint32le } from './bytes.ts';
import { base64Bytes } from './data-url.ts';

/** How large one recording may be. */
export interface AudioCaps {
  /** Of the recording itself, not of its base64. */
  readonly mediaBytes: number;
  readonly seconds: number;
}

/** The contract's size; vLLM itself takes no more than 600 s. */
export const DEFAULT_AUDIO_CAPS: AudioCaps = { mediaBytes: 8 * 1024 * 1024, seconds: 600 };

/** Formats of recordings. */
export type AudioFormat = 'wav' | 'mp3' | 'flac' | 'ogg' | 'opus' | 'm4a';

/** What is known of a recording without decoding it. */
export interface AudioFacts {
  readonly format: AudioFormat;
  readonly bytes: number;
  /** As the header of WAV and FLAC says; the others say it only by all their frames. */
  readonly sampleRate: number | undefined;
  readonly channels: number | undefined;
  readonly seconds: number | undefined;
}

interface Header {
  readonly sampleRate: number;
  readonly channels: number;
  readonly seconds: number;
}

interface WavFormat {
  readonly sampleRate: number;
  readonly channels: number;
  readonly byteRate: number;
}

const MIN_SAMPLE_RATE = 4000;
const MAX_SAMPLE_RATE = 192_000;
const MAX_CHANNELS = 8;
/** WAV files have a handful. */
const MAX_CHUNKS = 100;

/** Reads a header; `'none'` where the format has none that says more, undefined where the bytes are malformed. */
type ReadHeader = (bytes: Uint8Array) => Header | 'none' | undefined;

interface Format {
  readonly format: AudioFormat;
  /** Tells by the first 48 bytes. */
  readonly isBegunBy: (head: Uint8Array) => boolean;
  readonly read: ReadHeader;
}

const unread: ReadHeader = () => 'none';
const M4A_BRANDS = ['M4A ', 'M4B ', 'mp41', 'mp42', 'isom', 'iso2', 'dash'] as const;

/** What begins in a way that others begin, too, comes behind them. */
const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['wav', { format: 'wav', isBegunBy: (head) => spells(head, 0, 'RIFF') && spells(head, 8, 'WAVE'), read: wavHeader }],
  ['mp3', { format: 'mp3', isBegunBy: (head) => spells(head, 0, 'ID3') || isMp3Frame(head), read: mp3Header }],
  ['flac', { format: 'flac', isBegunBy: (head) => spells(head, 0, 'fLaC'), read: flacHeader }],
  ['ogg', { format: 'ogg', isBegunBy: (head) => spells(head, 0, 'OggS\0'), read: unread }],
  // The first page has one segment, which begins behind 28 bytes (RFC 3533 §6, RFC 7845 §5.1).
  [
    'opus',
    { format: 'opus', isBegunBy: (head) => spells(head, 0, 'OggS\0') && spells(head, 28, 'OpusHead'), read: unread },
  ],
  [
    'm4a',
    {
      format: 'm4a',
      isBegunBy: (head) => spells(head, 4, 'ftyp') && M4A_BRANDS.some((brand) => spells(head, 8, brand)),
      read: unread,
    },
  ],
]);

/**
 * Judges the `input_audio` of a message: strict base64, size, the declared format against the first bytes, and for
 * WAV and FLAC what the header says of sample rate, channels and length. Nothing is decoded.
 */
export function checkInputAudio(
  audio: { readonly data: string; readonly format: string },
  caps: AudioCaps = DEFAULT_AUDIO_CAPS,
): AudioFacts | Refusal {
  const { mediaBytes } = caps;
  if (audio.data.length > Math.ceil(mediaBytes / 3) * 4) return tooManyBytes(mediaBytes);
  const bytes = base64Bytes(audio.data);
  if (bytes === undefined) return invalid('Give strict base64 (RFC 4648 section 4) with its padding.', 'data');
  if (bytes > mediaBytes) return tooManyBytes(mediaBytes);
  const found = FORMATS.get(audio.format);
  if (found === undefined) return invalid(`Give one of: ${[...FORMATS.keys()].join(', ')}.`, 'format');
  const { format, isBegunBy, read } = found;
  if (!isBegunBy(Buffer.from(audio.data.slice(0, 64), 'base64'))) {
    return invalid('Give a recording of the format that is declared.', 'data');
  }
  const facts = judgeHeader(format, read(Buffer.from(audio.data, 'base64')), bytes, caps);
  return facts instanceof Refusal ? facts.within('data') : facts;
}

/**
 * Judges a recording that comes as bytes and says nothing of its format: that is told by the first bytes. WebM is no
 * format here: it is a container of videos, too, and says nothing in a header that could be bounded.
 */
export function checkAudioFile(bytes: Uint8Array, caps: AudioCaps = DEFAULT_AUDIO_CAPS): AudioFacts | Refusal {
  if (bytes.length > caps.mediaBytes) return outOfRange(`Give a recording of at most ${caps.mediaBytes} bytes.`);
  const found = [...FORMATS.values()].findLast(({ isBegunBy }) => isBegunBy(bytes.subarray(0, 48)));
  if (found === undefined) return invalid(`Give a recording in one of the formats: ${[...FORMATS.keys()].join(', ')}.`);
  return judgeHeader(found.format, found.read(bytes), bytes.length, caps);
}

function judgeHeader(
  format: AudioFormat,
  header: ReturnType<ReadHeader>,
  bytes: number,
  caps: AudioCaps,
): AudioFacts | Refusal {
  if (header === undefined) return invalid(`Give a well-formed recording of format ${format}.`);
  if (header === 'none') return { format, bytes, sampleRate: undefined, channels: undefined, seconds: undefined };
  return refuseHeader(header, caps) ?? { format, bytes, ...header };
}

function refuseHeader({ sampleRate, channels, seconds }: Header, caps: AudioCaps): Refusal | undefined {
  if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE) {
    return outOfRange(`Give a recording of ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} samples a second.`);
  }
  if (channels > MAX_CHANNELS) return outOfRange(`Give a recording of at most ${MAX_CHANNELS} channels.`);
  if (seconds > caps.seconds) return outOfRange(`Give a recording of at most ${caps.seconds} seconds.`);
  return undefined;
}

/** PCM or float samples (formats 1, 3 and the extensible one): the others need decoders of their own. */
function wavHeader(bytes: Uint8Array): Header | undefined {
  let format: WavFormat | undefined;
  let at = 12;
  for (let chunks = 0; chunks < MAX_CHUNKS && has(bytes, at, 8); chunks++) {
    const length = uint32le(bytes, at + 4);
    if (spells(bytes, at, 'data')) {
      // Writers that stream leave the length open; no more than there is can be read.
      const dataBytes = Math.min(length, bytes.length - at - 8);
      if (format === undefined) return undefined;
      return { sampleRate: format.sampleRate, channels: format.channels, seconds: dataBytes / format.byteRate };
    }
    if (!has(bytes, at + 8, length)) return undefined;
    if (spells(bytes, at, 'fmt ')) {
      if (format !== undefined) return undefined;
      format = wavFormat(bytes, at + 8, length);
      if (format === undefined) return undefined;
    }
    at += 8 + length + (length % 2);
  }
  return undefined;
}

function wavFormat(bytes: Uint8Array, at: number, length: number): WavFormat | undefined {
  if (length < 16) return undefined;
  const channels = uint16le(bytes, at + 2);
  const sampleRate = uint32le(bytes, at + 4);
  const byteRate = uint32le(bytes, at + 8);
  const blockBytes = uint16le(bytes, at + 12);
  const bits = uint16le(bytes, at + 14);
  const isOpen = [1, 3, 0xff_fe].includes(uint16le(bytes, at)) && [8, 16, 24, 32, 64].includes(bits);
  if (!isOpen || channels === 0 || sampleRate === 0) return undefined;
  if (blockBytes !== (channels * bits) / 8 || byteRate !== sampleRate * blockBytes) return undefined;
  return { sampleRate, channels, byteRate };
}

/** STREAMINFO, which comes first (RFC 9639 §8.2). */
function flacHeader(bytes: Uint8Array): Header | undefined {
  if (!has(bytes, 0, 42) || ((bytes[4] ?? 1) & 0x7f) !== 0 || (uint32(bytes, 4) & 0xff_ff_ff) !== 34) return undefined;
  const packed = uint32(bytes, 18);
  const sampleRate = packed >>> 12;
  const channels = ((packed >>> 9) & 7) + 1;
  const samples = ((bytes[21] ?? 0) & 0x0f) * 2 ** 32 + uint32(bytes, 22);
  // No samples means that their number is unknown: hours of silence fit into a few bytes, and no cap would hold.
  return sampleRate === 0 || samples === 0 ? undefined : { sampleRate, channels, seconds: samples / sampleRate };
}

/**
 * A tag (ID3v2.4 §3.1) with a frame behind it. Decoders look behind a tag anew for what the file is: a playlist there
 * would make FFmpeg fetch what it names.
 */
function mp3Header(bytes: Uint8Array): 'none' | undefined {
  if (!spells(bytes, 0, 'ID3')) return 'none';
  const size = uint32(bytes, 6);
  if (!has(bytes, 0, 10) || (size & 0x80_80_80_80) !== 0) return undefined;
  const tagBytes =
    (size & 0x7f) | ((size & 0x7f_00) >>> 1) | ((size & 0x7f_00_00) >>> 2) | ((size & 0x7f_00_00_00) >>> 3);
  const hasFooter = ((bytes[5] ?? 0) & 0x10) !== 0;
  let at = 10 + tagBytes + (hasFooter ? 10 : 0);
  // Padding that some writers leave out of the tag's size.
  while (bytes[at] === 0) at++;
  return isMp3Frame(bytes.subarray(at, at + 4)) ? 'none' : undefined;
}

/** A frame of MPEG 1, 2 or 2.5, layer III, with a bit rate and a sample rate. */
function isMp3Frame(head: Uint8Array): boolean {
  const [sync = 0, version = 0, rates = 0] = head;
  const isLayer3 = sync === 0xff && (version & 0xe6) === 0xe2 && (version & 0x18) !== 0x08;
  return isLayer3 && rates >>> 4 > 0 && rates >>> 4 < 15 && (rates & 0x0c) !== 0x0c;
}

function tooManyBytes(mediaBytes: number): Refusal {
  return outOfRange(`Give a recording of at most ${mediaBytes} bytes.`, 'data');
}
