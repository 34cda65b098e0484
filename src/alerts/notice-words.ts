import { shellWord } from '../wire/shell-word.ts';

/** What is said of a notice. */
export interface NoticeWords {
  readonly title: string;
  readonly todo: (subject: string) => readonly string[];
  /** Event of which it is the end. */
  readonly ends?: string;
}

const bare = (subject: string): string => shellWord(subject.replace(/^[a-z]+:/, ''));

const SIGN_INS = 'sallyport audit-log search --kind sign-in';

/** Notices by their event, with what to do. One that is not here is told with its name. */
export const NOTICE_WORDS: Readonly<Record<string, NoticeWords>> = {
  audit_log_failing: {
    title: 'The audit log cannot be written',
    todo: () => ['free the disk, or mend the folder audit-log/ of the state directory', 'sallyport audit-log verify'],
  },
  audit_log_gap: {
    title: 'Records are missing from the audit log',
    todo: () => ['sallyport audit-log verify'],
  },
  audit_log_unsigned: {
    title: 'The start has found records in the audit log that nobody vouches for, and more than a crash leaves',
    todo: () => [
      'sallyport audit-log verify',
      'compare with the copies: sallyport audit-log verify --checkpoints FILE',
    ],
  },
  audit_log_set_back: {
    title: 'The audit log is shorter than what was sent of it: somebody has set it back',
    todo: () => [
      'keep the state directory as it is',
      'compare it with the copies: sallyport audit-log verify --checkpoints FILE',
    ],
  },
  audit_log_recovered: { title: 'The audit log is written again', todo: () => [], ends: 'audit_log_failing' },
  counters_down: {
    title: 'The server of the counters does not answer',
    todo: () => ['start the server at counters.url; until then counters.onFailure holds'],
  },
  counters_up: { title: 'The counters are back', todo: () => [], ends: 'counters_down' },
  issuer_unreachable: {
    title: 'The keys of an issuer cannot be had',
    todo: (subject) => [
      `curl -fsS ${shellWord(`${subject.replace(/^issuer:/, '')}/.well-known/openid-configuration`)}`,
    ],
  },
  issuer_recovered: { title: 'The keys of an issuer can be had again', todo: () => [], ends: 'issuer_unreachable' },
  certificate: {
    title: 'The certificate cannot be renewed or loaded',
    todo: () => ['mend listen.tls, then: kill -HUP the gateway', 'sallyport doctor'],
  },
  acme: { title: 'The certificate authority gives no certificate', todo: () => ['sallyport doctor'] },
  budget: {
    title: 'A budget is used up to 80 %',
    todo: (subject) => [`sallyport limits show ${bare(subject.replace(/^holder:/, ''))}`, 'sallyport usage'],
  },
  worker_replaced: {
    title: 'A worker thread has died or hung and was replaced',
    todo: () => ['look at the log around this time; report it where it comes again'],
  },
  quarantine_full: {
    title: 'A credential is not held, for too many are held already (anomaly.maxQuarantined)',
    todo: (subject) => ['sallyport quarantine list', `sallyport quarantine hold ${bare(subject)}`],
  },
  quarantine_failed: {
    title: 'A credential could not be held',
    todo: (subject) => [`sallyport quarantine hold ${bare(subject)}`],
  },
  quarantine_unshared: {
    title: 'What is held on one instance does not reach the others',
    todo: () => ['start the server at counters.url, or mend the rights of its user'],
  },
  quarantine_shared: {
    title: 'What is held on one instance reaches the others again',
    todo: () => [],
    ends: 'quarantine_unshared',
  },
  shared_quarantine_full: {
    title: 'A credential is held on one instance only, for too many are held together',
    todo: () => ['sallyport quarantine list', 'release what is settled, or revoke it'],
  },
  shared_quarantine_malformed: {
    title: 'The server of the counters has holds that cannot be read, which are left out',
    todo: () => ['see who else may write to the server at counters.url'],
  },
  reachable_around: {
    title: 'vLLM can be reached around the gateway',
    todo: () => ['start vLLM with --host 127.0.0.1', 'sallyport firewall print --nft', 'sallyport doctor'],
  },
  ledger: { title: 'Budgets and usage cannot be written', todo: () => ['free the disk of the state directory'] },
  journal: { title: 'The journal of budgets cannot be written', todo: () => ['free the disk of the state directory'] },
  review: { title: 'A review has found what is high or critical', todo: () => ['sallyport review --last'] },
  user_code_guessing: {
    title: 'Somebody tries codes of the device sign-in',
    todo: () => [SIGN_INS, 'sallyport bans add ADDRESS --for 24h'],
  },
  passkey_counter_backwards: {
    title: 'A passkey was used that counts backwards: there is a copy of it',
    todo: (subject) => [
      `sallyport users show ${bare(subject)}`,
      'have the person remove this passkey and make another',
    ],
  },
  form_from_elsewhere: {
    title: 'A page elsewhere has sent a form of the sign-in pages',
    todo: () => [SIGN_INS],
  },
  interaction_of_another_browser: {
    title: 'A sign-in was gone on with in another browser than it was begun in',
    todo: () => [SIGN_INS],
  },
  federation_state: {
    title: 'An answer of the company’s provider came that nobody has asked for here',
    todo: () => [SIGN_INS],
  },
  federation_failed: {
    title: 'A sign-in at the company’s provider has failed in a way that it should not',
    todo: () => [SIGN_INS, 'sallyport doctor'],
  },
  upstream_down: { title: 'An upstream is down', todo: () => ['sallyport upstreams'] },
  upstream_up: { title: 'An upstream answers again', todo: () => [], ends: 'upstream_down' },
};

/** Words of a notice of any name. */
export const noticeWordsOf = (event: string): NoticeWords =>
  (Object.hasOwn(NOTICE_WORDS, event) ? NOTICE_WORDS[event] : undefined) ?? {
    title: `The gateway warns: ${event.replaceAll('_', ' ')}`,
    todo: () => [`look at the log for ${shellWord(event)}`],
  };
