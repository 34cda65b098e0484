import type { MediaUrl } from '../../kernel/exchange.ts';
import { Refusal } from '../../vllm/fields/refusal.ts';
import { parseMediaUrl } from '../../vllm/media/remote-url.ts';
import type { MediaAnswer, MediaAsk, MediaSource } from './media-source.ts';

/** Redirects of one medium. */
const MAX_REDIRECTS = 3;

/** Gets a medium, following redirects within its own host and port. */
export async function follow(source: MediaSource, url: MediaUrl, ask: MediaAsk): Promise<FollowedAnswer> {
  let at = url;
  for (let redirects = 0; ; redirects++) {
    const answer = await source.get(at, ask);
    if (answer.kind !== 'redirect') return answer;
    const next = redirects < MAX_REDIRECTS ? redirectedUrl(at, answer.location) : undefined;
    if (next === undefined) return { kind: 'failed' };
    at = next;
  }
}

/** An answer that is no redirect. */
export type FollowedAnswer = Exclude<MediaAnswer, { readonly kind: 'redirect' }>;

/**
 * Where a redirect leads: an `https` URL of the same host and port, or an absolute path there. Undefined for all else:
 * by another host, also a listed one, whoever may write redirects on one (open redirectors) would choose for the caller,
 * and by `http` whoever sits between. Judged as a caller's URL is: a `Location` is another one's text, too.
 */
export function redirectedUrl({ host, port }: MediaUrl, location: string): MediaUrl | undefined {
  const origin = `${host}:${port}`;
  // Two slashes begin another host (RFC 3986 §4.2).
  const isPath = location.startsWith('/') && !location.startsWith('//');
  const parsed = parseMediaUrl(isPath ? `https://${origin}${location}` : location, [origin]);
  return parsed instanceof Refusal ? undefined : parsed;
}
