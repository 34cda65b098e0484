import type { MediaUrl } from '../../kernel/exchange.ts';

/** What one GET may cost, and when it is over. */
export interface MediaAsk {
  /** Bytes that the body may still have, as it is now: other media of the request share them. */
  room(): number;
  /** Takes bytes that have arrived, at most as many as there is room for; false where no memory is left for them. */
  take(bytes: number): boolean;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

/** How one GET ended. */
export type MediaAnswer =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  /** The server names another place (RFC 9110 §15.4): its `Location` as it was sent, unjudged. */
  | { readonly kind: 'redirect'; readonly location: string }
  /** More than there is room for has arrived or was announced. */
  | { readonly kind: 'too-large' }
  | { readonly kind: 'no-room' }
  /**
   * Everything else in one: no such name, an address that is not public, no connection, no trusted certificate, another
   * status, a coding, silence. What it was is told to nobody: callers would map a network by it.
   */
  | { readonly kind: 'failed' };

/** Gets media from the public internet. Judges addresses, not URLs: those were judged when they come here. */
export interface MediaSource {
  /** Sends one GET; follows nothing. Never rejects. */
  get(url: MediaUrl, ask: MediaAsk): Promise<MediaAnswer>;
}
