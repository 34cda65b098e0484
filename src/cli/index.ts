import { advisories } from './advisories.ts';
import { apply } from './apply.ts';
import { clients } from './clients.ts';
import type { Command } from './command.ts';
import { config } from './config.ts';
import { connect } from './connect.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { firewall } from './firewall.ts';
import { init } from './init.ts';
import { keys } from './keys.ts';
import { routes } from './routes.ts';
import { serve } from './serve.ts';
import { simulate } from './simulate.ts';
import { tenants } from './tenants.ts';
import { upstreams } from './upstreams.ts';
import { vpn } from './vpn.ts';

/** Every command. */
export const COMMANDS: readonly Command[] = [
  demo,
  init,
  serve,
  keys,
  tenants,
  clients,
  apply,
  connect,
  upstreams,
  advisories,
  explain,
  routes,
  config,
  doctor,
  firewall,
  vpn,
  simulate,
];
