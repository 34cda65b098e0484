/**
 * The leaves that every folder's `config.ts` builds its options from. Each carries its own hint, which the loader
 * shows beside the path. Two rules for what comes out: a duration is a number of milliseconds, and the object
 * around it names it `…Ms`; a size is a number of bytes under the contract's own name.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import * as z from 'zod';
import { isLoopbackHost } from './host.ts';
import { parseBytes, parseDurationMs } from './units.ts';

// Without this zod probes for code generation, which the product forbids.
z.config({ jitless: true });

/** What a mistake of a part that is not built yet says first. */
export const NOT_IN_THIS_VERSION = 'not in this version';

/** A text such as `30s` between `min` and `max` (texts of the same form, inclusive); gives milliseconds. */
export function duration(min: string, max: string) {
  const hint = `Give a duration from ${min} to ${max}, such as 250ms, 30s, 10m, 8h or 30d.`;
  const [low, high] = [bound(parseDurationMs(min)), bound(parseDurationMs(max))];
  return z.string({ error: hint }).transform((text, context) => {
    const ms = parseDurationMs(text);
    if (ms !== undefined && ms >= low && ms <= high) return ms;
    context.issues.push({ code: 'custom', message: hint, input: text });
    return z.NEVER;
  });
}

/** The same, or `none`. */
export function durationOrNone(min: string, max: string) {
  return z.union([z.literal('none'), duration(min, max)], {
    error: `Give a duration from ${min} to ${max} such as 30d, or none.`,
  });
}

/** A text such as `8MiB`, or a plain number of bytes, between `min` and `max` (texts, inclusive); gives bytes. */
export function size(min: string, max: string) {
  const hint = `Give a size from ${min} to ${max}, such as 64KiB, 8MiB or a number of bytes.`;
  const [low, high] = [bound(parseBytes(min)), bound(parseBytes(max))];
  return z.union([z.string(), z.number()], { error: hint }).transform((value, context) => {
    const bytes = parseBytes(String(value));
    if (bytes !== undefined && bytes >= low && bytes <= high) return bytes;
    context.issues.push({ code: 'custom', message: hint, input: value });
    return z.NEVER;
  });
}

/** A whole number between `min` and `max`, inclusive. */
export function count(min: number, max: number) {
  const error = `Give a whole number from ${min} to ${max}.`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** A whole number between `min` and `max`, inclusive, or `none` for no limit. */
export function countOrNone(min: number, max: number) {
  const error = `Give a whole number from ${min} to ${max}, or none.`;
  return z.union([z.literal('none'), z.int({ error }).min(min, { error }).max(max, { error })], { error });
}

/** True or false. */
export function flag() {
  return z.boolean({ error: 'Give true or false.' });
}

/** A text of 1 to 1024 characters without control characters that `accepts` accepts; `hint` says what it must be. */
export function text(hint: string, accepts: (value: string) => boolean = () => true) {
  return z.string({ error: hint }).refine((value) => isPlain(value) && accepts(value), { error: hint });
}

/** An issuer, or another URL of one: https, or http on this machine; no query or fragment (RFC 8414 §2). */
export function issuerUrl(hint: string) {
  return text(hint, (value) => {
    const url = URL.parse(value);
    if (url === null || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
      return false;
    if (/[\s?#]/.test(value)) return false;
    return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
  });
}

/** A network such as `10.0.0.0/8` or `2001:db8::/32`, or one address; gives it as it was written, with its prefix. */
export function cidr() {
  const hint = 'Give a network such as 10.0.0.0/8 or 2001:db8::/32, or one address.';
  return z.string({ error: hint }).transform((value, context) => {
    const network = parseNetwork(value);
    // Bits behind the prefix are mostly a slip that makes the network another one than was meant.
    if (network !== undefined && network.exact === network.written) return network.exact;
    const message = network === undefined ? hint : `The address has bits behind its prefix: give ${network.exact}.`;
    context.issues.push({ code: 'custom', message, input: value });
    return z.NEVER;
  });
}

/** One of the listed words. */
export function choice<const Words extends readonly [string, ...string[]]>(...words: Words) {
  return z.enum(words, { error: `Give one of: ${words.join(', ')}.` });
}

/**
 * One of the words that work, knowing also those that a later version brings, so that the mistake can say which it is.
 */
export function choiceSoFar<const Words extends readonly [string, ...string[]]>(
  words: Words,
  later: readonly string[],
) {
  const hint = `Give ${words.length === 1 ? 'the default' : 'one of'}: ${words.join(', ')}.`;
  return z.enum(words, {
    error: ({ input }) =>
      typeof input === 'string' && later.includes(input) ? `${input} is ${NOT_IN_THIS_VERSION}. ${hint}` : hint,
  });
}

/** A list of at most 4096 items. */
export function list<Item extends z.ZodType>(item: Item) {
  return z.array(item, { error: 'Give a list.' }).max(4096, { error: 'Give at most 4096 items.' });
}

/** An option of a part that is not built yet: its default is accepted and nothing else. */
export function later<const Value extends string | number | boolean>(value: Value) {
  return z.literal(value, { error: `This is ${NOT_IN_THIS_VERSION}: leave it out or give ${value}.` }).prefault(value);
}

/** A list of a part that is not built yet: it may be empty. */
export function laterList() {
  const error = `This is ${NOT_IN_THIS_VERSION}: leave it out or give an empty list.`;
  return z.array(z.never({ error }), { error }).prefault([]);
}

/** A map of a part that is not built yet: it may be empty. */
export function laterMap() {
  const error = `This is ${NOT_IN_THIS_VERSION}: leave it out or give {}.`;
  return z.record(z.string(), z.never({ error }), { error }).prefault({});
}

/** A group of options: unknown names are mistakes, and all of it may be left out. */
export function group<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? undefined
        : 'Give a map of options; positions in a list count from 0 without gaps.',
  });
}

function parseNetwork(text: string): { exact: string; written: string } | undefined {
  const [, address = '', prefix] = /^([0-9A-Fa-f:.]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  if (family === 0) return undefined;
  const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
  if (bits > (family === 4 ? 32 : 128)) return undefined;
  const kind = family === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
  const network = kind.networkAddressFromCIDR(`${address}/${bits}`);
  return { exact: `${network.toString()}/${bits}`, written: `${kind.parse(address).toString()}/${bits}` };
}

function bound(value: number | undefined): number {
  if (value === undefined) throw new TypeError('a bound of an option is not in the form of its values');
  return value;
}

function isPlain(value: string): boolean {
  return value.length >= 1 && value.length <= 1024 && !/[\p{Cc}\u2028\u2029]/u.test(value);
}
