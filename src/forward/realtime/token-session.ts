import type { Exchange, Has, Usage } from '../../kernel/exchange.ts';
import type { Denial } from '../../kernel/reasons.ts';

/** The tokens of one session, which are counted as they come: how long it lasts nobody knows before. */
export interface TokenSession {
  /** More is asked for: where a limit has no room left, the session is told so. */
  more(): void;
  /** What was used until now. */
  used(usage: Usage): void;
  /** Settles. Exactly once. */
  end(usage: Usage): void;
}

/** Begins to count for a session. @param onFull ends it: a limit has no room */
export type OpenTokens = (
  x: Exchange & Has<'peer' | 'principal' | 'route'>,
  model: string,
  onFull: (denial: Denial) => void,
) => TokenSession;
