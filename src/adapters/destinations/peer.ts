import { readFileSync } from 'node:fs';
import { readSecretIfThere } from '../tls/private-files.ts';

/** How a receiver is judged, and what we show it; as the options of TLS have it. */
export interface PeerFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Reads the files that a destination names. @throws Error where one cannot be read */
export function peerFilesOf({
  caFile,
  certFile,
  keyFile,
}: {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}): PeerFiles {
  const key = keyFile === undefined ? undefined : readSecretIfThere(keyFile);
  return {
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile, 'utf8') }),
    ...(key === undefined ? {} : { key }),
  };
}
