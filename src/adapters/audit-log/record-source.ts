import { parseCheckpoint } from '../../audit-log/checkpoint.ts';
import { parcelOf, type Parcel } from '../../audit-log/shipping/parcel.ts';
import type { ReadRecords, RecordSource } from '../../audit-log/shipping/shipper.ts';
import { auditLogPlaces, bytesIfThere, MAX_STATEMENT_BYTES, segmentsIn, sizeIfThere, type Segment } from './folder.ts';
import { readLines } from './line-reader.ts';

/** Bytes of lines after which a batch is full; the last line may go beyond. */
const MAX_BATCH_BYTES = 1024 * 1024;

/**
 * Reads the log of a state directory for sending, while another thread writes it. Only what is signed: a group of records
 * that a full disk has taken half of is cut off again, and its numbers go to others.
 *
 * @param maxBytes of one line: larger ones are replaced by a note
 */
export function createRecordSource(stateDir: string, maxBytes: number): RecordSource {
  const { folder, lastCheckpoint } = auditLogPlaces(stateDir);
  /** Where the next line lies, if it is asked for: nobody reads a segment twice. */
  let last: { readonly segment: number; readonly next: number; readonly at: number } | undefined;

  function parcelsIn(segment: Segment, from: number, below: number, atMost: number): Parcel[] {
    const known = last?.segment === segment.first && last.next === from ? last : undefined;
    let next = known?.next ?? segment.first;
    let at = known?.at ?? 0;
    let bytes = 0;
    const parcels: Parcel[] = [];
    const isFull = (): boolean => next >= below || parcels.length >= atMost || bytes >= MAX_BATCH_BYTES;
    if (isFull()) return parcels;
    readLines(
      segment.records,
      (buffer, start, end) => {
        if (next >= from) {
          parcels.push(parcelOf(buffer.toString('utf8', start, end), next, maxBytes));
          bytes += end - start;
        }
        at += end - start + 1;
        next++;
        return !isFull();
      },
      at,
    );
    last = { segment: segment.first, next, at };
    return parcels;
  }

  return {
    head() {
      const text = bytesIfThere(lastCheckpoint, MAX_STATEMENT_BYTES)?.toString();
      const kept = text === undefined ? undefined : parseCheckpoint(text);
      return kept === undefined ? undefined : { origin: kept.origin, signed: kept.size };
    },
    read(from, below, atMost): ReadRecords {
      const segments = segmentsIn(folder);
      const i = segments.findLastIndex(({ first }) => first <= from);
      const own = segments[i];
      if (own !== undefined && isThere(own)) {
        return { parcels: parcelsIn(own, from, Math.min(below, segments[i + 1]?.first ?? below), atMost), missing: 0 };
      }
      const next = segments.slice(i + 1).find(isThere);
      const first = Math.min(next?.first ?? below, below);
      const end = Math.min(below, segments.find((one) => one.first > first)?.first ?? below);
      return { parcels: next === undefined ? [] : parcelsIn(next, first, end, atMost), missing: first - from };
    },
  };
}

const isThere = ({ records }: Segment): boolean => sizeIfThere(records) !== undefined;
