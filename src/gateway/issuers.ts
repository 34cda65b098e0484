import type { LogOutput } from '../adapters/log/output.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../kernel/clock.ts';
import { issuerSource, issuerSources } from './authentication.ts';
import { watchIssuers, type IssuerState, type IssuerWatch } from './issuer-watch.ts';
import type { RunningOAuth } from './oauth.ts';
import type { Settings } from './threads/messages.ts';
import { createIssuerBook, type IssuerBook } from './threads/issuer-book.ts';

/** The keys of all issuers, those of our own authorization server among them. */
export interface Issuers {
  /** As the control plane's own thread knows them. */
  readonly book: IssuerBook;
  states(): readonly IssuerState[];
  /** Asks an issuer for keys that a thread does not know; what comes of it is told. */
  ask(issuer: string): Promise<void>;
  /** Tells them as they are now. */
  tell(): void;
  /** Watches those of another configuration; what is known of an issuer that stays is kept. */
  reload(config: Config, pems: Settings['issuerPems']): void;
  stop(): void;
}

/** What it works with. */
export interface IssuersDeps {
  /** The issuer of our own authorization server. */
  readonly publicUrl: string;
  /** That server; undefined until it is started. */
  readonly own: () => Pick<RunningOAuth, 'issuerState' | 'askedState'> | undefined;
  readonly clock: Clock;
  readonly log: Pick<LogOutput, 'info' | 'error'>;
  readonly onNews: (states: readonly IssuerState[]) => void;
}

/** Begins to watch the issuers of the configuration. */
export function openIssuers(config: Config, pems: Settings['issuerPems'], deps: IssuersDeps): Issuers {
  const { clock, log } = deps;
  const book = createIssuerBook([], ask, clock);
  let watch = watchOf(config, pems, []);

  function watchOf(watched: Config, issuerPems: Settings['issuerPems'], known: readonly IssuerState[]): IssuerWatch {
    return watchIssuers(issuerSources(watched, issuerPems), known, {
      get: issuerSource(),
      clock,
      onNews: (states) => tell(states),
      onProblem: (issuer, why) => log.error('issuer_unreachable', { issuer, why }),
      onRecovered: (issuer) => log.info('issuer_recovered', { issuer }),
    });
  }

  function allOf(watched: readonly IssuerState[]): readonly IssuerState[] {
    const own = deps.own();
    return own === undefined ? watched : [...watched, own.issuerState()];
  }

  function tell(watched = watch.states()): void {
    const states = allOf(watched);
    book.apply(states);
    deps.onNews(states);
  }

  async function ask(issuer: string): Promise<void> {
    if (issuer !== deps.publicUrl) return watch.refresh(issuer);
    await deps.own()?.askedState();
    tell();
  }

  return {
    book,
    states: () => allOf(watch.states()),
    ask,
    tell: () => tell(),
    reload(next, nextPems) {
      watch.stop();
      watch = watchOf(next, nextPems, watch.states());
    },
    stop: () => watch.stop(),
  };
}
