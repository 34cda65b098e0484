/** A vector of length 1 that depends on the text alone. */
export function embeddingOf(text: string): number[] {
  let state = text.length + 1;
  const raw = Array.from({ length: DIMENSIONS }, (_, i) => {
    state = (Math.imul(state ^ text.charCodeAt(i % Math.max(1, text.length)), 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  const norm = Math.hypot(...raw);
  return raw.map((value) => value / norm);
}

/** How alike two texts are, from 0 to 1. */
export function likeness(one: string, other: string): number {
  const [a, b] = [embeddingOf(one), embeddingOf(other)];
  return (1 + a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)) / 2;
}

/** Little-endian 32-bit floats, as the recorded server sends them. */
export function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, i) => bytes.writeFloatLE(value, i * 4));
  return bytes.toString('base64');
}

/** Length of the recorded vectors. */
const DIMENSIONS = 128;
