import { isNetwork } from '../wire/address.ts';
import { UsageError } from './command.ts';
import type { Flags } from './flags.ts';
import { listOf } from './text.ts';

/** Fields of the admin API that say from where something may be used. */
export interface NetworkFields {
  readonly allowIp?: readonly string[];
  readonly denyIp?: readonly string[];
}

/**
 * What `--allow-ip` and `--deny-ip` give: `--allow-ip A B` is two networks, and `none` an empty list. Words are no networks of
 * either where both flags are there; what is none of them is left over.
 *
 * @throws UsageError where it cannot be told whose the words are
 */
export function networksIn(flags: Flags): { readonly networks: NetworkFields; readonly rest: readonly string[] } {
  const [allow, deny] = [listOf(flags, 'allow-ip'), listOf(flags, 'deny-ip')];
  const words = flags.words.filter(isNetwork);
  const rest = flags.words.filter((word) => !isNetwork(word));
  if (words.length > 0 && allow !== undefined && deny !== undefined) {
    throw new UsageError(`Whose is ${words[0]}? Give networks with commas between them: --allow-ip A,B --deny-ip C,D`);
  }
  if (allow === undefined && deny === undefined) return { networks: {}, rest: flags.words };
  const all = (given: readonly string[]) => (given.length === 1 && given[0] === 'none' ? [] : [...given, ...words]);
  return {
    networks: {
      ...(allow === undefined ? {} : { allowIp: all(allow) }),
      ...(deny === undefined ? {} : { denyIp: all(deny) }),
    },
    rest,
  };
}

/** The same for a command that takes no other words. @throws UsageError where there are some */
export function networksOf(flags: Flags, usage: string): NetworkFields {
  const { networks, rest } = networksIn(flags);
  const [wrong] = rest;
  if (wrong !== undefined) throw new UsageError(`"${wrong}" is one word too many: ${usage}`);
  return networks;
}

/** From where something may be used, for people. */
export function networkFacts({ allowIp = [], denyIp = [] }: NetworkFields): [string, string][] {
  const allowed: [string, string] = ['allowed from', allowIp.length === 0 ? 'everywhere' : allowIp.join(',')];
  return denyIp.length === 0 ? [allowed] : [allowed, ['denied from', denyIp.join(',')]];
}
