import type { Rule } from '../rule.ts';
import { cacheTiming } from './cache-timing.ts';
import { credentialStuffing } from './credential-stuffing.ts';
import { dormantKey } from './dormant-key.ts';
import { groupSurge } from './group-surge.ts';
import { impossibleClock } from './impossible-clock.ts';
import { probing } from './probing.ts';
import { refreshReuse } from './refresh-reuse.ts';
import { routeScan } from './route-scan.ts';
import { slowExtraction } from './slow-extraction.ts';
import { spreadStuffing } from './spread-stuffing.ts';
import { stolenKey } from './stolen-key.ts';
import { tokenSurge } from './token-surge.ts';
import { twoNetworks } from './two-networks.ts';
import { unknownScan } from './unknown-scan.ts';

/** Every rule. Those about credentials keep their times in the profiles by place: new ones go to the end. */
export const rules: readonly Rule[] = [
  stolenKey,
  twoNetworks,
  dormantKey,
  tokenSurge,
  probing,
  routeScan,
  slowExtraction,
  cacheTiming,
  impossibleClock,
  groupSurge,
  credentialStuffing,
  spreadStuffing,
  unknownScan,
  refreshReuse,
];
