import { createHash, timingSafeEqual } from 'node:crypto';
import type { SimulatedRequest } from './plan.ts';

/**
 * Tells whether vLLM's own key check refuses: only paths that begin with one of its four prefixes are guarded,
 * `OPTIONS` never is, and the scheme's case does not matter.
 */
export function isWithoutKey(request: SimulatedRequest, path: string, apiKey: string | undefined): boolean {
  if (apiKey === undefined || request.method === 'OPTIONS') return false;
  if (!GUARDED.some((prefix) => path.startsWith(prefix))) return false;
  const [, value] = /^bearer ([^ ]+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  return value === undefined || !timingSafeEqual(sha256(value), sha256(apiKey));
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
const GUARDED = ['/v1', '/v2', '/inference', '/cohere'];
