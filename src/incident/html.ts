import { isoSeconds as time } from '../kernel/iso-time.ts';
import type { JsonValue } from '../kernel/json.ts';
import type { Incident, Related } from './incident.ts';
import { addressPlot, escapeHtml as text, requestPlot, tokenPlot } from './plot.ts';
import type { Seen } from './tally.ts';
import type { Moment } from './time-line.ts';

const STYLE = `
:root { color-scheme: light dark; --fg: #1c1e21; --bg: #ffffff; --soft: #5a6069; --line: #d5d9de; --good: #2f6fb4; --bad: #c0392b; --tokens: #3f8f5b; --warn: #8a5a00; --box: #f4f6f8; }
@media (prefers-color-scheme: dark) { :root { --fg: #e8eaed; --bg: #16181c; --soft: #a5abb3; --line: #3a3f46; --good: #6ea8e8; --bad: #f0776a; --tokens: #7cc596; --warn: #e3b25c; --box: #21252b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem; font: 15px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; } .soft { color: var(--soft); }
.figures { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; padding: 0; list-style: none; }
.figures li { background: var(--box); border-radius: 6px; padding: .5rem .9rem; } .figures b { display: block; font-size: 1.3rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; margin: .25rem 0; } th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; white-space: nowrap; } td.number, th.number { text-align: right; padding-right: 1.5rem; font-variant-numeric: tabular-nums; } td.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } code { background: var(--box); border-radius: 4px; padding: .1rem .35rem; font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
figure { margin: 1rem 0; } figcaption { color: var(--soft); margin-bottom: .25rem; } svg { width: 100%; height: auto; display: block; } svg text { fill: var(--soft); font-size: 11px; } svg text.number { text-anchor: end; } svg line { stroke: var(--line); }
.good { fill: var(--good); background: var(--good); } .bad { fill: var(--bad); background: var(--bad); } .tokens { fill: var(--tokens); } .key { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; margin: 0 .35rem 0 .75rem; }
.s4 td, .s5 td { color: var(--bad); } .s3 td { color: var(--warn); } ol.actions li { margin: .35rem 0; }
`;

/** A report in one file: nothing is loaded from anywhere, and nothing in it runs. */
export function incidentHtml(incident: Incident, madeAtMs: number): string {
  const { subject, slots, stepMs, totals, addresses } = incident;
  const title = `Incident ${subject.kind} ${subject.id}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer"><title>${text(title)}</title><style>${STYLE}</style></head><body>
<header><h1>${text(title)}</h1>
<p class="soft">${text(headOf(incident))} Made ${time(madeAtMs)} from ${incident.records} records of the audit log${incident.isWhole ? '' : ', the newest: there are more'}.</p></header>
<main>
<ul class="figures">${figure('requests', totals.requests)}${figure('answered', totals.answered)}${figure('refused', totals.denied)}${figure('cut, aborted or failed', totals.broken)}${figure('prompt tokens', totals.promptTokens)}${figure('completion tokens', totals.completionTokens)}</ul>
<h2>What to do now</h2>
<ol class="actions">${incident.actions.map(({ what, command }) => `<li>${text(what)}: <code>${text(command)}</code></li>`).join('')}</ol>
${slots.length === 0 ? '' : `<h2>Over time</h2>${requestPlot(slots, stepMs)}${tokenPlot(slots, stepMs)}${addressPlot(addresses.slice(0, 12), slots, stepMs)}`}
<h2>Time line</h2>${timeLine(incident.timeLine)}
${known(incident)}
<h2>What was touched</h2>
${seenTable('Model', incident.models)}${seenTable('Route', incident.routes)}${seenTable('Upstream', incident.upstreams)}
<h2>From where</h2>
${seenTable('Address', addresses)}${seenTable('Program', incident.programs)}${seenTable('Credential', incident.credentials)}
${incident.refusals.length === 0 ? '' : `<h2>Refused</h2>${seenTable('Code', incident.refusals)}`}
${related(incident.related)}
</main></body></html>
`;
}

const headOf = ({ credential, firstMs, lastMs }: Incident): string =>
  `${credential === undefined ? '' : `Sent with ${credential}. `}${firstMs === undefined || lastMs === undefined ? 'The log knows nothing of it.' : `${time(firstMs)} to ${time(lastMs)}.`}`;

const figure = (name: string, value: number): string => `<li><b>${value.toLocaleString('en')}</b>${text(name)}</li>`;

function seenTable(name: string, seen: readonly Seen[]): string {
  if (seen.length === 0) return '';
  const rows = seen.map(
    (one) =>
      `<tr><td>${text(one.name)}</td><td class="number">${one.count.toLocaleString('en')}</td><td class="number">${one.tokens.toLocaleString('en')}</td><td class="time">${time(one.firstMs)}</td><td class="time">${time(one.lastMs)}</td></tr>`,
  );
  return `<div class="scroll"><table><thead><tr><th>${text(name)}</th><th class="number">Requests</th><th class="number">Tokens</th><th>First</th><th>Last</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function timeLine(moments: readonly Moment[]): string {
  if (moments.length === 0) return '<p>Nothing is recorded.</p>';
  const rows = moments.map(
    ({ timeMs, what, severity, sequence }) =>
      `<tr class="s${severity}"><td class="time">${time(timeMs)}</td><td>${text(what)}</td><td class="number">${sequence}</td></tr>`,
  );
  return `<div class="scroll"><table><thead><tr><th>Time</th><th>What</th><th class="number">Record</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function known({ known: facts }: Incident): string {
  if (facts === undefined) return '';
  const rows = Object.entries(facts).map(
    ([name, value]) => `<tr><th>${text(name)}</th><td>${text(shown(value))}</td></tr>`,
  );
  return `<h2>What is known of it</h2><div class="scroll"><table><tbody>${rows.join('')}</tbody></table></div>`;
}

const shown = (value: JsonValue): string =>
  typeof value === 'string' ? value : Array.isArray(value) ? value.map(shown).join(', ') : JSON.stringify(value);

function related(all: readonly Related[]): string {
  if (all.length === 0) return '';
  const rows = all
    .slice(0, 50)
    .map(
      (one) =>
        `<tr><td>${text(one.credential)}</td><td>${text(one.addresses.join(', '))}</td><td class="number">${one.requests}</td><td class="time">${time(one.firstMs)}</td><td class="time">${time(one.lastMs)}</td></tr>`,
    );
  return `<h2>Other credentials at the same addresses</h2><div class="scroll"><table><thead><tr><th>Credential</th><th>Addresses</th><th class="number">Requests</th><th>First</th><th>Last</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}
