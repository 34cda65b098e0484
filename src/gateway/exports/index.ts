import type { LogFacts } from '../../adapters/log/output.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Export, SendResult } from '../../kernel/export.ts';

/** What an export works with. */
export interface ExportDeps {
  readonly config: Config;
  readonly stateDir: string;
  readonly version: string;
  /** Random id of this run of the gateway, and the name of its machine. */
  readonly instance: string;
  readonly host: string;
  readonly publicUrl: string;
  readonly clock: Clock;
  /** A line of the gateway's log. */
  log(level: 'info' | 'warn' | 'error', event: string, facts: LogFacts): void;
  /** Counts what was sent for the metrics page; `destination` is a name of the configuration. */
  count(destination: string, result: SendResult, howMany: number): void;
  /** How many records of the audit log a destination still has to get. */
  lag(destination: string, records: number): void;
}

/** A kind of export. */
export interface ExportKind {
  /** Whether the configuration asks for it. */
  isOn(config: Config): boolean;
  /** Loads it: only who sends something pays for its libraries. */
  open(deps: ExportDeps): Promise<Export>;
}

/** Spans and metrics for an OpenTelemetry collector. */
const otlp: ExportKind = {
  isOn: ({ telemetry }) => telemetry.otlp !== undefined,
  async open(deps) {
    const { openOtlp } = await import('./otlp.ts');
    const { otlp: options } = deps.config.telemetry;
    return options === undefined ? NOTHING : openOtlp(options, deps);
  },
};

const NOTHING: Export = { close: () => Promise.resolve() };

/** All kinds of exports, each one line. */
export const EXPORT_KINDS: readonly ExportKind[] = [
  otlp,
  {
    isOn: (config) => config.alerts.channels.length > 0,
    open: async (deps) => (await import('./alerts.ts')).openAlerts(deps),
  },
  {
    isOn: ({ auditLog }) => auditLog.enabled && auditLog.ship.length > 0,
    open: async (deps) => (await import('./audit-ship.ts')).openAuditShip(deps),
  },
  {
    isOn: ({ auditLog }) => auditLog.enabled && auditLog.copies.length > 0,
    open: async (deps) => (await import('./audit-copies.ts')).openAuditCopies(deps),
  },
];

/** Whether anything is sent anywhere. */
export const isExporting = (config: Config): boolean => EXPORT_KINDS.some((kind) => kind.isOn(config));
