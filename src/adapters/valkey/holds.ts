import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BY_OPERATOR, isHoldable } from '../../directory/quarantines.ts';
import {
  SharedHoldsUnavailable,
  type SharedAnswer,
  type SharedHold,
  type SharedHolds,
  type SharedPage,
  type SharedWord,
} from '../../directory/shared-holds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { whyOf, type Connect, type Connection, type Reply } from './connection.ts';
import { PREFIX } from './items.ts';

/** What answers on the server. */
export const HOLDS_SOURCE = readFileSync(new URL('./holds.lua', import.meta.url), 'utf8');

/** What they are shared with. */
export interface ValkeyHoldsDeps {
  /** With `HOLDS_SOURCE`. */
  readonly connect: Connect;
  readonly clock: Clock;
  /** Names this process among the instances. */
  readonly process: string;
  /** Names it for people: host and port. */
  readonly from: string;
  /** A name that nobody had before. */
  readonly newId: () => string;
}

const ANSWER_MS = 2_000;
const KEYS = ['', ':order', ':gone', ':meta'].map((end) => `${PREFIX}holds${end}`);
const PAGE_WORDS = 3;
/** Entries that come at once, as in `holds.lua`. */
const PAGE = 100;
/** More than there is room for was not put there by us. */
const MAX_PAGES = 25;
/**
 * How far a version may be ahead of the server's clock: as far as clocks are ever wrong. One that is forged as high as it goes would
 * have nothing be newer for ever; this bound moves on with the time.
 */
const AHEAD_MS = 10 * 365 * 86_400_000;
const MALFORMED = 'malformed';

/** Begins with the first look, and with each one after a failure anew. */
export function createValkeyHolds({ connect, clock, process, from, newId }: ValkeyHoldsDeps): SharedHolds {
  let connection: Connection | undefined;
  let [epoch, since] = ['', 0];
  /** The highest version that is believed. */
  let latest = 0;

  function drop(): void {
    connection?.close();
    connection = undefined;
    // A server behind the same address may be another one, that knows less.
    again();
  }

  function again(): void {
    [epoch, since] = ['', 0];
  }

  async function open(signal: AbortSignal): Promise<Connection> {
    const opened = await connect(() => drop(), signal);
    if (signal.aborted) opened.close();
    else connection = opened;
    return opened;
  }

  /** Calls once, and waits no longer than it may. */
  async function call(words: readonly string[]): Promise<Reply> {
    const stop = new AbortController();
    const late = clock.after(ANSWER_MS, () => stop.abort());
    const isLate = new Promise<never>((_, reject) => {
      stop.signal.addEventListener('abort', () => reject(new SharedHoldsUnavailable('silent')), { once: true });
    });
    const answered = async (): Promise<Reply> => (connection ?? (await open(stop.signal))).call(KEYS, words);
    try {
      return await Promise.race([answered(), isLate]);
    } catch (error) {
      drop();
      if (error instanceof SharedHoldsUnavailable) throw error;
      throw new SharedHoldsUnavailable(whyOf(error), { cause: error });
    } finally {
      late.cancel();
    }
  }

  async function look(): Promise<SharedPage> {
    const entries: SharedHold[] = [];
    let malformed = 0;
    let isWhole = false;
    for (let page = 1; ; page++) {
      const [, itsEpoch = '', nowMs, ...words] = await call(['look', newId(), epoch, String(since)]);
      if (itsEpoch !== epoch) {
        isWhole = true;
        entries.length = 0;
        since = 0;
      }
      epoch = itsEpoch;
      latest = whole(nowMs) + AHEAD_MS;
      for (let at = 0; at < words.length; at += PAGE_WORDS) {
        since = Math.max(since, whole(words[at + 1]));
        const entry = parseEntry(words[at] ?? '', words[at + 2] ?? '', latest);
        if (entry === undefined) malformed++;
        else entries.push(entry);
      }
      if (words.length < PAGE * PAGE_WORDS || page === MAX_PAGES) {
        return { isWhole, entries, malformed, nowMs: latest - AHEAD_MS };
      }
    }
  }

  async function tell({ record, tenant, version, seen, isNew, known }: SharedWord): Promise<SharedAnswer> {
    const [kind, at] = await call([
      isNew ? 'change' : 'repeat',
      keyOf(record.id),
      String(version),
      String(known),
      record.state === 'held' ? 'h' : 'r',
      record.rule === BY_OPERATOR ? 'o' : 'r',
      JSON.stringify({ from, process, ...bodyOf(record, tenant, seen) }),
    ]);
    if ((kind === 'told' || kind === 'known') && whole(at) <= latest) return { kind, version: whole(at) };
    if (kind === 'stale' || kind === 'full') return { kind };
    throw new SharedHoldsUnavailable(MALFORMED);
  }

  return {
    keyOf,
    look,
    tell,
    again,
    close: drop,
  };
}

/** 128 bits of SHA-256 as base64url. */
const keyOf = (id: string): string => hash('sha256', id, 'base64url').slice(0, 22);

const MAX_WHY = 200;
/** As long as a claim may be. */
const MAX_TENANT = 256;
const MAX_BODY = 4_096;

/** A whole number of the server's. @throws SharedHoldsUnavailable where it is none */
function whole(text: string | undefined): number {
  const value = /^\d{1,16}$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new SharedHoldsUnavailable(MALFORMED);
  return value;
}

function bodyOf(record: SharedWord['record'], tenant: string | undefined, seen: number): JsonObject {
  const { id, rule, why, heldAtMs, version: recordVersion, state } = record;
  // What is released is found by its hash: its name, which may be a person's, does not stay.
  if (state === 'released') return { recordVersion, seen };
  const short = why.replaceAll(/\p{Cc}/gu, ' ').slice(0, MAX_WHY);
  // Better held without its tenant than not at all.
  const isReadable = tenant !== undefined && tenant.length <= MAX_TENANT && ANY.test(tenant);
  return { recordVersion, id, rule, why: short, heldAtMs, ...(isReadable ? { tenant } : {}) };
}

/**
 * Reads one entry; undefined where it is none. Whoever can write to the server can write anything there: names, sizes and kinds
 * are those that the admin API takes, and the name has to be the one of its key.
 *
 * @param latest the highest version that is believed
 */
export function parseEntry(key: string, text: string, latest: number): SharedHold | undefined {
  const [, versionText, state, weight, body = ''] = /^([1-9]\d{0,15}) ([hr]) ([or]) (.*)$/s.exec(text) ?? [];
  const version = Number(versionText);
  if (versionText === undefined || version > latest || body.length > MAX_BODY) return undefined;
  const json = objectIn(body);
  if (json === undefined) return undefined;
  const own = (name: string): JsonValue | undefined => (Object.hasOwn(json, name) ? json[name] : undefined);
  const word = (name: string, form: RegExp, most: number): string | undefined => {
    const value = own(name);
    return typeof value === 'string' && value.length <= most && form.test(value) ? value : undefined;
  };
  const count = (name: string): number | undefined => {
    const value = own(name);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  };
  const [from, process, recordVersion] = [
    word('from', /^[\w.:-]+$/, 100),
    word('process', /^[\w-]+$/, 64),
    count('recordVersion'),
  ];
  if (from === undefined || process === undefined || recordVersion === undefined) return undefined;
  const told = { key, version, from, process, recordVersion };
  if (state === 'r') {
    // Told by an earlier release, which did not say: it has seen all.
    const seen = own('seen') === undefined ? version : count('seen');
    return seen === undefined ? undefined : { ...told, state: 'released', seen };
  }
  const [id, rule, why, heldAtMs] = [
    word('id', ANY, MAX_BODY),
    word('rule', /^[a-z][a-z0-9-]*$/, 64),
    word('why', ANY, MAX_WHY),
    count('heldAtMs'),
  ];
  const tenant = word('tenant', ANY, MAX_TENANT);
  if (id === undefined || rule === undefined || why === undefined || heldAtMs === undefined) return undefined;
  if (own('tenant') !== undefined && tenant === undefined) return undefined;
  if (!isHoldable(id) || keyOf(id) !== key || (rule === BY_OPERATOR) !== (weight === 'o')) return undefined;
  return { ...told, state: 'held', id, rule, why, heldAtMs, tenant };
}

/** Any text without control characters. */
const ANY = /^\P{Cc}*$/u;

function objectIn(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
