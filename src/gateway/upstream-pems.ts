import { readFileSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import type { UpstreamPems } from './threads/messages.ts';

/** Reads the PEM files that an upstream's configuration names. @throws where one cannot be read */
export function readUpstreamPems({ caFile, certFile, keyFile }: Config['upstreams'][number]['tls']): UpstreamPems {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file, 'utf8'));
  return { caPem: read(caFile), certPem: read(certFile), keyPem: read(keyFile) };
}
