import type { Clock } from '../../kernel/clock.ts';
import type { Principal } from '../../kernel/exchange.ts';
import { createToday, type UsageBook } from '../../limits/ledger.ts';
import { costOf, type Price, type Tokens } from '../../limits/prices.ts';

/** Takes what one request has used, for people. */
export type NoteUsage = (principal: Principal, model: string, tokens: Tokens, price: Price) => void;

/** Notes it in the book, under the day that is now. */
export function createNoteUsage(book: Pick<UsageBook, 'add'>, clock: Clock): NoteUsage {
  const today = createToday(clock);
  return ({ tenant, id }, model, tokens, price) => {
    book.add({
      day: today(),
      tenant,
      holder: id,
      model,
      requests: 1,
      inputTokens: tokens.input,
      cachedTokens: tokens.cached,
      outputTokens: tokens.output,
      cost: costOf(price, tokens),
    });
  };
}
