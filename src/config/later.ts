/** The areas whose parts are not built yet: known by name, and accepted with their defaults only. */
import * as z from 'zod';
import { group, laterList, laterUnset } from '../kernel/option.ts';

/** Prompt rules. */
export const guardsConfig = group({ rules: laterList() }).prefault({});

/** Data loss prevention. */
export const dlpConfig = group({ rules: laterList() }).prefault({});

/** Metrics and traces. Metrics are built. */
export const telemetryConfig = group({
  otlp: laterUnset(),
  prometheus: z
    .union([z.boolean(), z.literal('open')], { error: 'Give true, false, or open (without credential).' })
    .prefault(true)
    .describe('Metrics at /metrics of the admin listener; open asks for no credential, on loopback only.'),
}).prefault({});
