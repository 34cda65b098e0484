import { UsageError } from './command.ts';
import type { FlagKinds, Flags } from './flags.ts';

/** The flags of `serve`. */
export const SERVE_FLAGS: FlagKinds = {
  upstream: 'list',
  listen: 'text',
  'admin-listen': 'text',
  workers: 'text',
  tls: 'text',
  'log-format': 'text',
};

/** What the flags of `serve` say, in the shape of the configuration file. @throws UsageError */
export function overridesOf(flags: Flags): object {
  const listen: Record<string, unknown> = {};
  const admin: Record<string, unknown> = {};
  const overrides: Record<string, unknown> = {};
  const address = flags.text('listen');
  if (address !== undefined) Object.assign(listen, hostAndPort('--listen', address));
  const adminAddress = flags.text('admin-listen');
  if (adminAddress !== undefined) Object.assign(admin, hostAndPort('--admin-listen', adminAddress));
  const tls = flags.text('tls');
  if (tls !== undefined) listen['tls'] = { mode: tls };
  if (Object.keys(listen).length > 0) overrides['listen'] = listen;
  if (Object.keys(admin).length > 0) overrides['admin'] = admin;
  const workers = flags.text('workers');
  if (workers !== undefined) overrides['workers'] = workers === 'auto' ? workers : Number(workers);
  const upstreams = flags.list('upstream');
  if (upstreams.length > 0) {
    overrides['upstreams'] = upstreams.map((url, index) => ({
      name: index === 0 ? 'main' : `upstream-${index + 1}`,
      url,
    }));
  }
  return overrides;
}

/** Form of the log that the flags ask for. @throws UsageError */
export function logFormatOf(flags: Flags): 'json' | 'text' {
  const format = flags.text('log-format') ?? 'text';
  if (format !== 'json' && format !== 'text') throw new UsageError('--log-format is json or text.');
  return format;
}

/** Reads `HOST:PORT`, an IPv6 address in brackets. @throws UsageError */
export function hostAndPort(flag: string, text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:]*)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (match === null || host === undefined || host === '')
    throw new UsageError(`${flag} is HOST:PORT, such as 0.0.0.0:8443.`);
  return { host, port: Number(match[3]) };
}
