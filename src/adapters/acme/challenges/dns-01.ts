import { createHash } from 'node:crypto';
import { SolverFault, type ChallengeAnswer, type Solver } from './solver.ts';

/** One TXT record (RFC 8555 §8.4). */
export interface TxtRecord {
  /** `_acme-challenge.` and the name. */
  readonly name: string;
  readonly value: string;
}

/** Who writes the records: a hook, or a folder that something else reads. */
export interface RecordWriter {
  /** Resolves once the record can be seen. @throws SolverFault with the mend */
  add(record: TxtRecord): Promise<void>;
  /** Never throws. */
  remove(record: TxtRecord): Promise<void>;
}

/** Answers DNS-01 by records that another program publishes. */
export function createDnsSolver(writer: RecordWriter): Solver {
  let presented: TxtRecord[] = [];
  return {
    open: () => Promise.resolve(),
    async present(answers: readonly ChallengeAnswer[]) {
      for (const answer of answers) {
        const record = txtRecord(answer);
        // First, so that one that was half written is taken back, too.
        presented.push(record);
        await writer.add(record);
      }
    },
    async withdraw() {
      const all = presented;
      presented = [];
      for (const record of all) await writer.remove(record);
    },
    stop: () => undefined,
  };
}

/** The record that answers a challenge. @throws SolverFault where the CA's name is none: it goes to another program */
export function txtRecord({ name, keyAuthorization }: ChallengeAnswer): TxtRecord {
  if (!/^(?=.{1,253}$)[a-z0-9_]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(name)) {
    throw new SolverFault('the CA asks for a name that is none');
  }
  const value = createHash('sha256').update(keyAuthorization).digest('base64url');
  return { name: `_acme-challenge.${name}`, value };
}
