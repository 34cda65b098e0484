import type { AlertMessage } from './alert.ts';

/** Somewhere that messages are sent to. */
export interface Channel {
  /**
   * Tries once. Never throws; whoever asks leaves it when `signal` ends.
   *
   * @param id the same for all tries of a message, so that the other side can tell that it is one
   */
  send(message: AlertMessage, id: string, signal: AbortSignal): Promise<Sent>;
}

/** What came back, in words without a secret. */
export type Sent =
  | { readonly kind: 'sent'; readonly detail: string }
  | {
      readonly kind: 'failed';
      readonly detail: string;
      /** The same message would fail again. */
      readonly isFinal: boolean;
      /** The other side asks to be left alone for so long. */
      readonly afterMs?: number | undefined;
    };
