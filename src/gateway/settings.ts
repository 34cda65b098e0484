import { readFileSync } from 'node:fs';
import { createUpstreamMemory, renumbered, type UpstreamMemory } from '../adapters/memory/upstream-memory.ts';
import { checkClientCa } from '../adapters/tls/client-ca.ts';
import type { Config } from '../config/schema.ts';
import type { Settings } from './threads/messages.ts';
import { readUpstreamPems } from './upstream-pems.ts';

/** What workers work with, with the files that the configuration names. @throws TlsFileError, or what reading them throws */
export function settingsOf(
  config: Config,
  upstreamMemory: UpstreamMemory,
  publicUrl: string,
  oauthSocket: string,
): Settings {
  return {
    config,
    oauthSocket,
    publicUrl,
    issuerPems: config.authentication.issuers.map(({ caFile }) =>
      caFile === undefined ? undefined : readFileSync(caFile, 'utf8'),
    ),
    upstreamMemory,
    upstreamPems: config.upstreams.map(({ tls }) => readUpstreamPems(tls)),
  };
}

/** The CA of client certificates. @throws TlsFileError where the file holds none */
export function readClientCa({ listen }: Config): string | undefined {
  const { clientCaFile } = listen.tls;
  if (clientCaFile === undefined) return undefined;
  const pem = readFileSync(clientCaFile, 'utf8');
  checkClientCa(clientCaFile, pem);
  return pem;
}

/** What runs at an upstream that stays goes on to count. */
export function upstreamMemoryFor(
  before: Config['upstreams'],
  after: Config['upstreams'],
  memory: UpstreamMemory,
): UpstreamMemory {
  const names = (upstreams: Config['upstreams']) => upstreams.map(({ name, url }) => `${name} ${url}`);
  return renumbered(memory, names(before), names(after)) ?? createUpstreamMemory(after.length, memory.rows);
}
