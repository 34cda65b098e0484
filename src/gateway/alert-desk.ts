import type { AlertDesk } from '../admin/ports.ts';
import type { Config } from '../config/schema.ts';
import type { Exports } from './threads/exports-client.ts';

/** The channels of alerts, as administrators see them. */
export const alertDesk = (config: () => Config, exports: Pick<Exports, 'figures' | 'test'>): AlertDesk => ({
  channels: () =>
    config().alerts.channels.map(({ name, type, minSeverity }) => ({
      ...{ name, type, minSeverity },
      figures: exports.figures().get(name) ?? { sent: 0, failed: 0, dropped: 0 },
    })),
  test: async (name) => (config().alerts.channels.some((one) => one.name === name) ? exports.test(name) : undefined),
});
