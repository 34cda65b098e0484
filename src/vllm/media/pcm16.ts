import { type Refusal, invalid } from '../fields/refusal.ts';

/** Bytes of a sample of PCM16. */
const SAMPLE_BYTES = 2;

/**
 * Length of the PCM16 audio in a base64 text. Only the one canonical text of some bytes is taken (RFC 4648 §3.5): Python
 * would skip what is no digit, and so hear other audio than was measured here.
 */
export function pcm16Bytes(text: string): number | Refusal {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) return invalid('Give base64 with padding and nothing else (RFC 4648 §4).');
  if (bytes.length === 0) return invalid('Give at least one sample.');
  return bytes.length % SAMPLE_BYTES === 0 ? bytes.length : invalid('Give whole samples of 16 bits.');
}
