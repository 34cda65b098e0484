/** What is wrong with a log, at its first bad record. */
export interface Fault {
  readonly kind: FaultKind;
  /** Sequence number of the first bad record. */
  readonly sequence: number;
  /** The last one that may be bad, where it cannot be told which of several is. */
  readonly last?: number;
  /** Name of the file in the log's folder. */
  readonly file: string;
  /** A sentence for a person. Quotes no record. */
  readonly what: string;
}

/** Ways in which a log can be bad. */
export type FaultKind =
  /** A record has other bytes than when it was written. */
  | 'changed'
  /** A record, or a whole file, is gone. */
  | 'missing'
  /** A record that was never written here, or once only. */
  | 'inserted'
  /** A record stands at another's place. */
  | 'out-of-order'
  /** The end is gone. */
  | 'truncated'
  /** It belongs to another log. */
  | 'foreign'
  /** A checkpoint is damaged, missing, or does not fit the records. */
  | 'bad-checkpoint'
  /** A checkpoint is not signed by a key of the log. */
  | 'bad-signature'
  /** The file of hashes does not fit the records, which are whole. */
  | 'bad-hashes'
  /** The statements of the keys or of retention are damaged. */
  | 'bad-statement';
