import { exploits } from '../vllm/exploits/exploits.ts';
import type { Exploit } from '../vllm/exploits/exploit.ts';
import type { CommandIo } from './command.ts';
import { askPlainly, type PlainAnswer, type PlainRequest } from './plain-client.ts';
import { table } from './text.ts';

/** Where attacks go: a server and what it asks for as a credential. */
export type AttackTarget = Pick<PlainRequest, 'origin' | 'ca'> & { readonly key: string };

/** Sends one exploit. */
export function tryExploit(exploit: Exploit, model: string, { origin, ca, key }: AttackTarget): Promise<PlainAnswer> {
  const { method, path, hasKey, headers, body } = exploit.request(model);
  return askPlainly({
    origin,
    ca,
    method,
    path,
    headers: { ...(hasKey ? { authorization: `Bearer ${key}` } : {}), ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

/** Code of a refusal; empty where it is none. */
export const codeOf = (text: string): string => /"code":"([a-z_]+)"/.exec(text.slice(-2_000))?.[1] ?? '';

/** Whether the gateway answered as it must. */
export function isStopped({ gateway }: Exploit, { status, text }: PlainAnswer): boolean {
  return gateway.kind === 'refused' ? status === gateway.status && codeOf(text) === gateway.code : status === 200;
}

/** Shows side by side what attacks do to a bare vLLM and what comes of them at the gateway. */
export async function attackTour(
  model: string,
  bare: AttackTarget,
  gateway: AttackTarget,
  io: CommandIo,
): Promise<boolean> {
  const rows: string[][] = [];
  let isAsItMust = true;
  for (const exploit of exploits.filter(({ isShown }) => isShown)) {
    const [there, here] = [await tryExploit(exploit, model, bare), await tryExploit(exploit, model, gateway)];
    isAsItMust &&= there.status === 200 && isStopped(exploit, here);
    const said = codeOf(here.text);
    const came = exploit.gateway.kind === 'refused' ? `${here.status} ${said}` : `${here.status} disarmed`;
    rows.push([exploit.id, `${there.status}, ${sizeText(there.text)}`, came, exploit.effect]);
  }
  io.out('\nThe same attacks on a bare vLLM (simulated, with --api-key) and through the gateway:\n\n');
  io.out(table([['ATTACK', 'BARE', 'GATEWAY', 'WHAT IT DOES TO A REAL ONE'], ...rows]));
  return isAsItMust;
}

function sizeText(text: string): string {
  const bytes = Buffer.byteLength(text);
  return bytes < 10_000 ? `${bytes} B` : `${Math.round(bytes / 1000)} kB`;
}
