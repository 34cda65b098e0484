import type { Config } from '../config/schema.ts';
import type { InstalledUpstream } from '../doctor/installation.ts';
import { activePatches } from '../vllm/patches/patch.ts';
import { allPatches } from './model-book.ts';

/** The upstreams of a configuration as the doctor looks at them. */
export function installedUpstreams({ upstreams, validation }: Config): readonly InstalledUpstream[] {
  const rows = allPatches({ validation });
  return upstreams.map(({ name, url, vllmVersion, features }) => ({
    name,
    url,
    version: vllmVersion === 'auto' ? undefined : vllmVersion,
    patchesFor: (release) => activePatches(rows, release, features, validation.virtualPatches),
  }));
}
