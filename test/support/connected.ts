import assert from 'node:assert/strict';
import { sallyport } from './command.ts';
import type { TestGateway } from './gateway.ts';

/** What `sallyport connect` prints for a client, with the key where it says that it is to be put: nothing else is set. */
export interface Connected {
  /** The lines that a shell is given. */
  readonly exports: string;
  /** What these lines set, without the shell. */
  readonly env: Readonly<Record<string, string>>;
  /** Text of the first file; empty where there is none. */
  readonly file: string;
  /** The program or command to try; empty where the client is started by hand. */
  readonly example: string;
  /** The same in JavaScript; empty where there is none. */
  readonly javascript: string;
  readonly notes: readonly string[];
}

/** Asks `connect` beside a gateway whose public URL is the one that it answers on. */
export async function connected(
  gateway: TestGateway,
  client: string,
  { key, id }: { readonly key: string; readonly id: string },
): Promise<Connected> {
  const ask = async (more: string): Promise<string> => {
    const env = { SALLYPORT_STATE_DIR: gateway.stateDir, SALLYPORT__LISTEN__PUBLIC_URL: gateway.url };
    const { exit, out, err } = await sallyport(gateway.stateDir, `connect ${client} --key ${id}${more}`, { env });
    assert.deepEqual([exit, err], [0, '']);
    return out;
  };
  const text = await ask('');
  const settings = JSON.parse(await ask(' --json')) as {
    env: Record<string, string>;
    files: { text: string }[];
    example: string | null;
    javascript?: string;
    notes: string[];
  };
  const { example, javascript = '', notes, files } = settings;
  const file = files[0]?.text ?? '';
  for (const part of [example ?? '', javascript, file, ...notes]) assert.ok(text.includes(part), text);
  const filled = Object.entries(settings.env).map(
    ([name, value]) => [name, value.replace('$SALLYPORT_API_KEY', key)] as const,
  );
  return {
    exports: (/^(export .*\n)+/.exec(text)?.[0] ?? '').replace(/^(export SALLYPORT_API_KEY=)….*$/m, `$1${key}`),
    env: Object.fromEntries(filled),
    file,
    example: example ?? '',
    javascript,
    notes,
  };
}
