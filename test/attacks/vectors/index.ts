import type { Vector } from '../vector.ts';
import { chunkedFraming } from './chunked-framing.ts';
import { connection } from './connection.ts';
import { contentLength } from './content-length.ts';
import { headerSyntax } from './header-syntax.ts';
import { host } from './host.ts';
import { jsonSpelling } from './json-spelling.ts';
import { limits } from './limits.ts';
import { methods } from './methods.ts';
import { pathSpelling } from './path-spelling.ts';
import { requestLine } from './request-line.ts';
import { sensitiveDuplicates } from './sensitive-duplicates.ts';
import { smuggling } from './smuggling.ts';
import { trailersAfterChunks } from './trailers.ts';
import { transferEncoding } from './transfer-encoding.ts';
import { upgrade } from './upgrade.ts';

/** Every vector, by theme. */
export const vectors: Readonly<Record<string, readonly Vector[]>> = {
  'request line': requestLine,
  host,
  'path spelling': pathSpelling,
  'header syntax': headerSyntax,
  'content length': contentLength,
  'transfer encoding': transferEncoding,
  'chunked framing': chunkedFraming,
  smuggling,
  'sensitive duplicates': sensitiveDuplicates,
  methods,
  upgrade,
  trailers: trailersAfterChunks,
  limits,
  connection,
  'JSON spelling': jsonSpelling,
};
