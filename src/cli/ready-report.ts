import type { UpstreamView } from '../admin/ports.ts';
import type { Paint } from './paint.ts';

/** What a gateway that has just become ready says to the person who started it. */
export interface Ready {
  readonly version: string;
  readonly publicUrl: string;
  /** Whether `listen.publicUrl` says so; else it was guessed from the listener. */
  readonly isNamed: boolean;
  readonly adminUrl: string;
  readonly upstreams: readonly UpstreamView[];
  readonly tls: 'self-signed' | 'files' | 'acme' | 'off';
  /** Where the certificate of its own CA lies, if it has one. */
  readonly caFile: string | undefined;
}

/** Where it answers, what is behind it, and what to do next, a line each. */
export function readyReport(ready: Ready, paint: Paint): string {
  const { version, publicUrl, isNamed, adminUrl, upstreams, tls, caFile } = ready;
  const guessed = isNamed ? '' : '  (a guess: set listen.publicUrl)';
  const rows: (readonly [string, string])[] = [
    ['callers', `${paint(publicUrl, 'bold')}${guessed}`],
    ['certificate', certificate(tls, caFile)],
    ['admin API', adminUrl],
    ...upstreams.map((one) => ['vLLM', `${one.name} ${one.url}  ${stateOf(one, paint)}`] as const),
    ['next', 'sallyport doctor'],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(12)}  ${value}\n`).join('');
  return `sallyport ${version} is ${paint('ready', 'green')}\n${lines}`;
}

function certificate(tls: Ready['tls'], caFile: string | undefined): string {
  switch (tls) {
    case 'acme':
      return 'asked of the CA; the log says when it is there, until then callers see one of its own CA';
    case 'files':
      return 'from the files of listen.tls';
    case 'off':
      return 'none: plain HTTP';
    case 'self-signed':
      return `of its own CA: callers trust it by ${caFile ?? 'ca.pem'}`;
  }
}

function stateOf({ state, version, models, why }: UpstreamView, paint: Paint): string {
  if (state !== 'up') {
    return `${paint(state, 'yellow')}${why === undefined ? '' : ` (${why})`}: start it there, or correct its url`;
  }
  return `${paint('up', 'green')}, ${version ?? 'unknown release'}, ${models?.join(' ') ?? 'models not known yet'}`;
}
