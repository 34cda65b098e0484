import type { LogOutput } from '../adapters/log/output.ts';
import type { Config } from '../config/schema.ts';
import { BY_OPERATOR, holdChange, isHoldable, keyIdOf, releaseChange } from '../directory/quarantines.ts';
import type { QuarantineRecord, RecordChange } from '../directory/records.ts';
import type { HeldElsewhere, SharedHold } from '../directory/shared-holds.ts';
import type { DirectoryState } from '../directory/state.ts';
import type { AuditRecord, FindingRecord } from '../kernel/record.ts';

/** A finding, and whether its rule is sure enough to hold the credential for it. */
export interface WishedFinding extends FindingRecord {
  readonly mayHold: boolean;
}

/** What is done about findings. */
export interface QuarantineKeeper {
  /** Tells of findings, and holds what is to be held. */
  take(findings: readonly WishedFinding[]): Promise<void>;
  /**
   * Holds what other instances hold, by the same bounds as what is found here. Resolves with those that are not held.
   *
   * @param write writes changes, and is told which holds stand with them: those, and what is held already
   * @throws what `write` throws
   */
  follow(
    holds: readonly HeldElsewhere[],
    write: (changes: readonly RecordChange[], standing: readonly HeldElsewhere[]) => Promise<unknown>,
  ): Promise<readonly HeldElsewhere[]>;
  /** Lets go what other instances have let go. @throws what `commit` throws */
  letGo(
    all: readonly { readonly record: QuarantineRecord; readonly from: string }[],
    commit: QuarantineDeps['commit'],
  ): Promise<void>;
  /** A place may have come free: what found none is held now. */
  freed(): void;
  /** The newest first. */
  list(): readonly FindingRecord[];
  /** How often each rule has found something since the start, and how many credentials are held. */
  figures(): { readonly found: ReadonlyMap<string, number>; readonly held: number; readonly notHeld: number };
}

/** What it works with. */
export interface QuarantineDeps {
  readonly config: () => Config['anomaly'];
  readonly directory: Pick<DirectoryState, 'quarantines' | 'apiKeys' | 'tenants'>;
  readonly commit: (changes: readonly RecordChange[]) => Promise<unknown>;
  readonly note: (record: AuditRecord) => void;
  readonly nowMs: () => number;
  /** Ids of the rules: all are counted from the start, so that the first finding of one is seen as an increase. */
  readonly rules: readonly string[];
  readonly log: Pick<LogOutput, 'info' | 'warn' | 'error'>;
}

/** Findings that are kept for who asks. */
const MAX_FINDINGS = 1_000;
/** Credentials that are held as soon as there is a place, and for how long that is waited for. */
const MAX_UNHELD = 100;
const UNHELD_MS = 86_400_000;
/** Holds of others that are told of once as not followed. */
const MAX_TOLD = 1_000;

/** Keeps what was found; holds credentials where the configuration says so, and never more than it says. */
export function keepQuarantine(deps: QuarantineDeps): QuarantineKeeper {
  const { config, directory, commit, note, nowMs, log } = deps;
  const findings: FindingRecord[] = [];
  const found = new Map(deps.rules.map((rule) => [rule, 0]));
  let notHeld = 0;
  /** What found no place, the oldest first: a rule tells of a thief once, and not again while they go on. */
  const unheld = new Map<string, WishedFinding>();
  const toldFull = new Set<string>();
  /** One after another: two at once must not both be the last one that is allowed. */
  let last: Promise<void> = Promise.resolve();

  const heldNow = () => [...directory.quarantines.values()].filter(({ state }) => state === 'held');

  /** Why a credential is not held; undefined where it is to be. */
  function reasonAgainst({
    subject,
    tenant,
    mayHold,
  }: Pick<WishedFinding, 'subject' | 'tenant' | 'mayHold'>): string | undefined {
    const { mode, exempt, maxQuarantined } = config();
    if (mode !== 'quarantine' || !mayHold) return 'observe';
    const key = keyIdOf(subject);
    if (!isHoldable(subject)) return 'no-credential';
    if (exempt.includes(subject) || (key !== undefined && exempt.includes(key))) return 'exempt';
    // The bound holds for what holds by itself: a bug, or somebody who provokes it, must not shut the house.
    const held = heldNow();
    if (held.some(({ id }) => id === subject)) return 'held';
    const bySelf = held.filter(({ rule }) => rule !== BY_OPERATOR);
    if (bySelf.length >= maxQuarantined) return 'too-many';
    // Where there are others, no tenant has all places: who provokes it with keys of their own keeps no thief from being held.
    const own = bySelf.filter((one) => one.tenant === tenant).length;
    return directory.tenants.size > 1 && own >= Math.ceil(maxQuarantined / 2) ? 'too-many' : undefined;
  }

  async function takeOne(finding: WishedFinding): Promise<void> {
    const { kind, timeMs, rule, subject, tenant, score, why, requestId } = finding;
    const record: FindingRecord = { kind, timeMs, rule, subject, tenant, score, why, requestId };
    if (findings.length >= MAX_FINDINGS) findings.shift();
    findings.push(record);
    found.set(rule, (found.get(rule) ?? 0) + 1);
    note(record);
    const against = reasonAgainst(finding);
    log.warn('anomaly', {
      rule,
      subject,
      tenant,
      score: Math.round(score * 100) / 100,
      why,
      held: against === undefined,
    });
    if (against !== undefined) {
      if (against === 'exempt' || against === 'too-many') notHeld++;
      if (against === 'too-many') {
        log.error('quarantine_full', { rule, subject, max: config().maxQuarantined });
        unheld.delete(subject);
        unheld.set(subject, finding);
        for (const [oldest] of unheld) if (unheld.size > MAX_UNHELD) unheld.delete(oldest);
      }
      return;
    }
    await hold(finding);
  }

  async function hold({ rule, subject, tenant, why }: WishedFinding): Promise<void> {
    try {
      await commit([holdChange(directory, { id: subject, rule, why, heldAtMs: nowMs(), tenant })]);
      noteHold('quarantine', { id: subject, tenant, rule });
    } catch (error) {
      log.error('quarantine_failed', { rule, subject, name: error instanceof Error ? error.name : 'unknown' });
    }
  }

  async function holdUnheld(): Promise<void> {
    for (const [subject, finding] of unheld) {
      const against = reasonAgainst(finding);
      if (against === 'too-many') continue;
      unheld.delete(subject);
      // What was found long ago may be over.
      if (against === undefined && nowMs() - finding.timeMs < UNHELD_MS) await hold(finding);
    }
  }

  /** The change that holds it; undefined where it is held already, false where it is not to be. */
  function changeFor({
    id,
    rule,
    why,
    heldAtMs,
    tenant,
    from,
    version,
  }: HeldElsewhere): RecordChange | undefined | false {
    const key = keyIdOf(id);
    // Ids of keys are each directory's own.
    if (key !== undefined && !directory.apiKeys.has(key)) return false;
    const before = directory.quarantines.get(id);
    // An operator's hold takes the place of one by a rule, which counts against the bound.
    if (before?.state === 'held' && (rule !== BY_OPERATOR || before.rule === BY_OPERATOR)) return undefined;
    const against = rule === BY_OPERATOR ? undefined : reasonAgainst({ subject: id, tenant, mayHold: true });
    if (against === undefined) return holdChange(directory, { id, rule, why, heldAtMs, tenant });
    if (against === 'too-many' && !toldFull.has(`${id} ${version}`)) {
      if (toldFull.size >= MAX_TOLD) toldFull.clear();
      toldFull.add(`${id} ${version}`);
      notHeld++;
      log.error('quarantine_full', { rule, subject: id, max: config().maxQuarantined, from });
    }
    return false;
  }

  async function followAtOnce(
    holds: readonly HeldElsewhere[],
    write: Parameters<QuarantineKeeper['follow']>[1],
  ): Promise<readonly HeldElsewhere[]> {
    const met = holds.map((hold) => ({ hold, change: changeFor(hold) }));
    const standing = met.flatMap(({ hold, change }) => (change === false ? [] : [hold]));
    const begun = met.flatMap(({ hold, change }) =>
      change === false || change === undefined ? [] : [{ hold, change }],
    );
    if (standing.length > 0) {
      await write(
        begun.map(({ change }) => change),
        standing,
      );
    }
    for (const { hold } of begun) {
      log.info('held_elsewhere', { rule: hold.rule, subject: hold.id, from: hold.from });
      noteHold('quarantine', hold, hold.from);
    }
    return met.flatMap(({ hold, change }) => (change === false ? [hold] : []));
  }

  /** @param from where it was done; left out: here */
  function noteHold(
    activity: 'quarantine' | 'release',
    { id, tenant, rule }: Pick<QuarantineRecord, 'id' | 'tenant' | 'rule'>,
    from?: SharedHold['from'],
  ): void {
    note({ kind: 'hold', timeMs: nowMs(), activity, subject: id, tenant, reason: rule, untilMs: undefined, from });
  }

  /** Behind all that was begun before; a failure is the caller's alone. */
  function next<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = last.then(work);
    last = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  return {
    follow: (holds, write) =>
      next(async () => {
        const byHand = holds.filter(({ rule }) => rule === BY_OPERATOR);
        const left = [...(await followAtOnce(byHand, write))];
        // Where one takes the place of a hold by a rule, that place is free.
        if (byHand.length > 0) await holdUnheld();
        // Each of these has an eye to how many there are by now.
        for (const one of holds) if (one.rule !== BY_OPERATOR) left.push(...(await followAtOnce([one], write)));
        return left;
      }),
    letGo: (all, write) =>
      next(async () => {
        await write(all.map(({ record }) => releaseChange(record)));
        for (const { record, from } of all) {
          log.info('released_elsewhere', { rule: record.rule, subject: record.id, from });
          noteHold('release', record, from);
        }
        await holdUnheld();
      }),
    freed: () => void (unheld.size > 0 && next(holdUnheld)),
    take(all) {
      for (const finding of all) last = last.then(() => takeOne(finding));
      return last;
    },
    list: () => findings.toReversed(),
    figures: () => ({ found, held: heldNow().length, notHeld }),
  };
}
