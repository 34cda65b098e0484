import { randomBytes } from 'node:crypto';
import { createDelivery, type Delivery } from '../../adapters/alerts/delivery.ts';
import { openChannel } from '../../adapters/alerts/open.ts';
import type { Alert } from '../../alerts/alert.ts';
import { createDesk, type Desk } from '../../alerts/desk.ts';
import { testMessage } from '../../alerts/message-text.ts';
import { ownerMessage } from '../../alerts/owner-message.ts';
import { createSift } from '../../alerts/sift.ts';
import type { Config } from '../../config/schema.ts';
import type { Timer } from '../../kernel/clock.ts';
import type { Export, Silence } from '../../kernel/export.ts';
import type { ExportDeps } from './index.ts';

interface Line {
  readonly config: Config['alerts']['channels'][number];
  readonly desk: Desk;
  readonly delivery: Delivery;
  /** Mails to owners, apart: whose mail server puts one off must not hold up what operators are told. */
  readonly owners: Delivery;
}

/** Alerts to the channels of the configuration. */
export async function openAlerts(deps: ExportDeps): Promise<Export> {
  const { clock } = deps;
  const lines = await Promise.all(deps.config.alerts.channels.map((channel) => openLine(channel, deps)));
  const sift = createSift();
  let silences: readonly Silence[] = [];
  let timer: Timer | undefined;
  let isClosed = false;

  function tell(alerts: readonly (Alert | undefined)[]): void {
    const nowMs = clock.nowMs();
    for (const alert of alerts) {
      if (alert === undefined) continue;
      for (const { desk } of lines) desk.add(alert, silences, nowMs);
    }
    if (alerts.some((alert) => alert !== undefined)) send();
  }

  /** Sends what is due, and comes again when something else is. */
  function send(): void {
    const nowMs = clock.nowMs();
    for (const { desk, delivery } of lines) for (const message of desk.take(nowMs)) delivery.add(message);
    timer?.cancel();
    if (isClosed) return;
    const next = Math.min(...lines.map(({ desk }) => desk.nextMs() ?? Infinity));
    // A timer takes no more than 24.8 days.
    if (next < Infinity) timer = clock.after(Math.min(Math.max(next - nowMs, 0), 86_400_000), send);
  }

  send();
  return {
    hear: (records) => tell(records.map((record) => sift.ofRecord(record))),
    notice: (notice) => tell([sift.ofNotice(notice)]),
    silence: (all) => void (silences = all),
    tellOwner(word) {
      for (const { config, owners } of lines) if (config.notifyOwners) owners.add(ownerMessage(word));
    },
    test: (name) => lines.find(({ config }) => config.name === name)?.delivery.test(testMessage(clock.nowMs())),
    async close(graceMs) {
      isClosed = true;
      timer?.cancel();
      const nowMs = clock.nowMs();
      for (const { desk, delivery } of lines) for (const message of desk.takeAll(nowMs)) delivery.add(message);
      await Promise.all(lines.flatMap(({ delivery, owners }) => [delivery.close(graceMs), owners.close(graceMs)]));
    },
  };
}

async function openLine(config: Line['config'], deps: ExportDeps): Promise<Line> {
  const { clock, version, publicUrl } = deps;
  const { groupWaitMs, groupIntervalMs, repeatIntervalMs, maxPerHour, digest } = deps.config.alerts;
  const { name, minSeverity, events, tenants } = config;
  const times = { waitMs: groupWaitMs, intervalMs: groupIntervalMs, repeatMs: repeatIntervalMs };
  const channel = await openChannel(config, {
    ...{ userAgent: `sallyport/${version}`, publicUrl, nowMs: () => clock.nowMs() },
  });
  return {
    config,
    desk: createDesk({ ...times, minSeverity, events, tenants, maxPerHour, digest }, clock.nowMs()),
    delivery: deliver('operators'),
    owners: deliver('owners'),
  };

  function deliver(to: 'operators' | 'owners'): Delivery {
    return createDelivery(channel, {
      clock,
      newId: () => `msg_${randomBytes(18).toString('base64url')}`,
      count: (result, howMany) => deps.count(name, result, howMany),
      onFailing: (why) => deps.log('warn', 'alerts_failing', { channel: name, to, why }),
      onWorking: () => deps.log('info', 'alerts_working', { channel: name, to }),
    });
  }
}
