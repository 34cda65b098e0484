import { join } from 'node:path';
import { isJsonObject, type JsonValue } from '../../kernel/json.ts';
import type { ShipPosition } from '../../audit-log/shipping/shipper.ts';
import { makePrivateDir, readIfThere, writeAtomically } from '../tls/private-files.ts';

/** Where each destination of the audit log has its place kept, in the state directory. */
const FOLDER = 'audit-log-ship';

/** How far one destination has come, through to the disk: after a crash it goes on there. */
export function openShipPosition(stateDir: string, name: string) {
  const file = join(stateDir, FOLDER, `${name}.json`);
  return {
    /** Undefined where nothing was sent, or the file is damaged: what is sent twice is better than what is not. */
    read: (): ShipPosition | undefined => positionIn(readIfThere(file)),
    write(position: ShipPosition): void {
      makePrivateDir(join(stateDir, FOLDER));
      writeAtomically(file, `${JSON.stringify(position)}\n`, 0o600);
    },
  };
}

/** The sequence number before which each of these destinations has all records of a log. */
export const shippedBefore = (stateDir: string, names: readonly string[], origin: string): number =>
  names.reduce((least, name) => {
    const position = openShipPosition(stateDir, name).read();
    return Math.min(least, position?.origin === origin ? position.next : 0);
  }, Infinity);

function positionIn(text: string | undefined): ShipPosition | undefined {
  try {
    const value = JSON.parse(text ?? 'null') as JsonValue;
    const [origin, next] = isJsonObject(value) ? [value['origin'], value['next']] : [];
    const isPlace = typeof next === 'number' && Number.isSafeInteger(next) && next >= 0;
    return typeof origin === 'string' && isPlace ? { origin, next } : undefined;
  } catch {
    return undefined;
  }
}
