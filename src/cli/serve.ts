import { openStateDir } from '../adapters/files/state-dir.ts';
import { openLog } from '../adapters/log/output.ts';
import { renderMistakes, loadConfig } from '../config/load.ts';
import { startGateway } from '../gateway/gateway.ts';
import { VERSION } from '../gateway/version.ts';
import type { Command } from './command.ts';
import { parseFlags } from './flags.ts';
import { launcherHook, onLauncherEnd } from './launcher.ts';
import { painter } from './paint.ts';
import { readyReport } from './ready-report.ts';
import { logFormatOf, overridesOf, SERVE_FLAGS } from './serve-flags.ts';
import { configFileOf, stateDirOf } from './places.ts';
import { configOf } from './where.ts';

/** Runs the gateway until it is told to stop. */
export const serve: Command = {
  name: 'serve',
  summary: 'run the gateway',
  help: `sallyport serve [--upstream URL…] [--listen HOST:PORT] [--admin-listen HOST:PORT] [--workers N]
                [--tls self-signed|files|acme|off] [--log-format text|json] [--config FILE] [--state-dir DIR]

Runs the gateway in front of vLLM. TERM ends it after running answers, HUP reloads configuration and certificates.

Example: sallyport serve --upstream http://127.0.0.1:8000`,
  async run(words, io) {
    const flags = parseFlags(words, SERVE_FLAGS);
    const overrides = overridesOf(flags);
    const logFormat = logFormatOf(flags);
    const { config } = configOf(flags, io.env, overrides);
    const stateDir = openStateDir(stateDirOf(flags, io.env));
    const log = openLog(logFormat);
    const gateway = await startGateway({ config, stateDir, log, logFormat, runHook: launcherHook(io.env) });
    const isNamed = config.listen.publicUrl !== undefined;
    if (!isNamed) io.err(`listen.publicUrl is not set: callers are told ${gateway.publicUrl}\n`);
    let isStopping = false;
    const ended = new Promise<number>((resolve) => {
      const stop = (): void => {
        if (isStopping) return;
        isStopping = true;
        log.info('stopping');
        gateway.stop().then(
          () => resolve(0),
          (error: unknown) => {
            io.err(`${error instanceof Error ? error.message : String(error)}\n`);
            resolve(1);
          },
        );
      };
      process.on('SIGTERM', stop);
      process.on('SIGINT', stop);
      onLauncherEnd(io.env, stop);
    });
    process.on('SIGHUP', () => {
      const next = loadConfig({ file: configFileOf(flags, io.env), env: io.env, overrides });
      if (!next.ok) return log.error('reload_refused', { mistakes: renderMistakes(next.mistakes) });
      gateway.reload(next.config).then(
        (restart) => log.info('reloaded', restart.length === 0 ? {} : { needsRestart: restart.join(' ') }),
        (error: unknown) => log.error('reload_failed', { why: error instanceof Error ? error.message : String(error) }),
      );
    });
    // Only now: whoever reads this line may send a signal at once.
    const ready = { public: gateway.publicUrl, admin: gateway.adminUrl, caFile: gateway.caFile, version: VERSION };
    if (logFormat === 'json') log.raw(`${JSON.stringify({ event: 'ready', ...ready })}\n`);
    else {
      log.info('ready', ready);
      const { publicUrl, adminUrl, caFile } = gateway;
      const tls = config.listen.tls.mode;
      const facts = {
        version: VERSION,
        publicUrl,
        isNamed,
        adminUrl,
        caFile,
        tls,
        upstreams: gateway.admin.upstreams(),
      };
      io.err(readyReport(facts, painter(process.stderr.isTTY && (io.env['NO_COLOR'] ?? '') === '')));
    }
    return ended;
  },
};
