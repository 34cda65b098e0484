import type { SealedContent } from '../../adapters/audit-log/content-files.ts';
import type { ContentSeals } from '../../audit-log/content.ts';
import type { Content, ContentPart, Said } from '../../kernel/content.ts';
import type { RequestRecord } from '../../kernel/record.ts';

/** What a keeper of content works with. */
export interface ContentKeeperDeps {
  readonly seals: Pick<ContentSeals, 'hash' | 'seal'>;
  /** Puts it on the disk. @throws Error of the system */
  readonly add: (contents: readonly SealedContent[]) => void;
}

/**
 * Digests and keeps what was said, and gives the records that say so. It is kept before its record is written, so that no
 * record names what is not there; what cannot be kept stops no record.
 */
export type KeepContent = (
  records: readonly RequestRecord[],
  contents: ReadonlyMap<string, Content>,
) => readonly RequestRecord[];

/** A record with what there is to keep of it. */
interface Kept {
  readonly record: RequestRecord;
  readonly sealed: SealedContent | undefined;
}

/** @see KeepContent */
export function createContentKeeper({ seals, add }: ContentKeeperDeps): KeepContent {
  return (records, contents) => {
    const all = records.map((record) => keptOf(record, contents.get(record.requestId), seals));
    const sealed = all.flatMap((one) => one.sealed ?? []);
    try {
      if (sealed.length > 0) add(sealed);
      return all.map(({ record }) => record);
    } catch {
      // A disk that is full says so where the records are written.
      return all.map((one) => (one.sealed === undefined ? one.record : { ...one.record, content: 'dropped' }));
    }
  };
}

function keptOf(record: RequestRecord, content: Content | undefined, seals: ContentKeeperDeps['seals']): Kept {
  if (record.content === undefined) return { record, sealed: undefined };
  try {
    return content === undefined ? dropped(record) : sealedOf(record, content, seals);
  } catch {
    // The key of a new tenant could not be written.
    return dropped(record);
  }
}

const dropped = (record: RequestRecord): Kept => ({ record: { ...record, content: 'dropped' }, sealed: undefined });

function sealedOf(record: RequestRecord, content: Content, seals: ContentKeeperDeps['seals']): Kept {
  const { requestId, timeMs, tenant = '' } = record;
  const hashOf = (said: Said | undefined) => (said === undefined ? undefined : seals.hash(tenant, said.digest));
  const seal = (part: ContentPart, said: Said | undefined): SealedContent['parts'] => {
    const sealed = said?.kept === undefined ? undefined : seals.seal({ tenant, requestId, part }, said.kept);
    return sealed === undefined ? {} : { [part]: sealed };
  };
  const { prompt, completion, isDropped } = content;
  const hashes = { promptHash: hashOf(prompt), completionHash: hashOf(completion) };
  const digested = { ...record, ...hashes, promptBytes: prompt?.bytes, completionBytes: completion?.bytes };
  if (hashes.promptHash === undefined && hashes.completionHash === undefined) {
    return { record: { ...record, content: 'erased' }, sealed: undefined };
  }
  if (isDropped) return { record: { ...digested, content: 'dropped' }, sealed: undefined };
  const parts = { ...seal('prompt', prompt), ...seal('completion', completion) };
  if (Object.keys(parts).length === 0) return { record: { ...digested, content: 'hash' }, sealed: undefined };
  const isCut = [prompt, completion].some((said) => said?.kept !== undefined && said.kept.length < said.bytes);
  return {
    record: { ...digested, content: 'full', ...(isCut ? { isContentCut: true } : {}) },
    sealed: { requestId, timeMs, parts },
  };
}
