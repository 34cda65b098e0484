import type { RequestRecord } from '../../src/kernel/record.ts';
import { createDetector, type Detector, type Finding } from '../../src/anomaly/detector.ts';
import { createDice } from './dice.ts';
import { createIncidents, type Incident } from './incidents.ts';
import { createPopulation } from './population.ts';
import { createSurprises } from './surprises.ts';
import { DAY, dayOf, START_MS } from './traffic.ts';

/** What is simulated. */
export interface SimulationOptions {
  readonly seed: number;
  readonly days: number;
  readonly keys: number;
  /** Incidents of each of the eight kinds. */
  readonly each: number;
}

/** An incident and the first finding about it. */
export interface Judged {
  readonly incident: Incident;
  /** Undefined where nothing was found until ten minutes after its end. */
  readonly first: Finding | undefined;
  readonly delayMs: number | undefined;
}

/** How it went. */
export interface SimulationResult {
  readonly judged: readonly Judged[];
  /** Findings about nothing that was an incident, nor within an hour after one of the same subject. */
  readonly falseAlarms: readonly Finding[];
  readonly records: number;
  /** Microseconds of the detector for each record. */
  readonly perRecordUs: number;
}

const MINUTE = 60_000;
const FOUND_UNTIL_MS = 10 * MINUTE;
const AFTERMATH_MS = 60 * MINUTE;
/** Keys that fall silent, and when. */
const DORMANT_PART = 0.05;
const DORMANT_FROM_DAY = 6;
/** Of a day that is made, complete with what the next one may bring. */
const COMPLETE_UNTIL_MS = 15 * 60 * MINUTE;

/** Runs a house for some days, the same for the same options. */
export function simulate(options: SimulationOptions): SimulationResult {
  const { keys, incidents, surprises, trafficDice } = prepare(options);
  const detector = createDetector();
  const findings: Finding[] = [];
  let records = 0;
  let spentUs = 0;
  let waiting: RequestRecord[] = [];
  const sink = (record: RequestRecord): void => void waiting.push(record);
  for (let day = 0; day < options.days; day++) {
    for (const surprise of surprises) surprise(day, sink);
    for (const key of keys) dayOf(trafficDice, key, day, sink);
    for (const incident of incidents) if (dayNumber(incident.startMs) === day) incident.send(sink);
    // A day begins earlier in the east: what comes after is not complete before the next one is made.
    const untilMs = START_MS + day * DAY + (day === options.days - 1 ? 3 * DAY : COMPLETE_UNTIL_MS);
    const today = waiting.filter(({ timeMs }) => timeMs < untilMs).sort((a, b) => a.timeMs - b.timeMs);
    waiting = waiting.filter(({ timeMs }) => timeMs >= untilMs);
    records += today.length;
    const before = process.cpuUsage();
    hearAll(detector, today, findings);
    spentUs += process.cpuUsage(before).user;
  }
  return { ...judge(incidents, findings), records, perRecordUs: spentUs / records };
}

const dayNumber = (timeMs: number): number => Math.floor((timeMs - START_MS) / DAY);

/** Each part has dice of its own: what one is changed in moves no other. */
function prepare({ seed, days, keys: count, each }: SimulationOptions) {
  const [populationDice, surpriseDice, incidentDice, trafficDice] = [1, 2, 3, 4].map((part) =>
    createDice(seed * 8 + part),
  );
  if (populationDice === undefined || surpriseDice === undefined) throw new Error('no dice');
  if (incidentDice === undefined || trafficDice === undefined) throw new Error('no dice');
  const all = createPopulation(populationDice, count);
  const isDormant = (i: number): boolean => i % Math.round(1 / DORMANT_PART) === 3;
  const dormant = all.filter((_, i) => isDormant(i));
  const keys = all.filter((_, i) => !isDormant(i));
  for (const key of dormant) for (let day = DORMANT_FROM_DAY; day < days; day++) key.restDays.add(day);
  const incidents = createIncidents(incidentDice, keys, dormant, days, each);
  return { keys: all, incidents, surprises: createSurprises(surpriseDice, keys, days), trafficDice };
}

/** Time goes on by the minute where nothing is recorded. */
function hearAll(detector: Detector, today: readonly RequestRecord[], findings: Finding[]): void {
  let tickMs = today[0]?.timeMs ?? 0;
  for (const record of today) {
    for (; tickMs < record.timeMs; tickMs += MINUTE) findings.push(...detector.tick(tickMs));
    const found = detector.hear(record);
    if (found.length > 0) findings.push(...found);
  }
}

function judge(incidents: readonly Incident[], findings: readonly Finding[]) {
  const isAbout = (incident: Incident, { record }: Finding, untilMs: number): boolean =>
    record.timeMs >= incident.startMs && record.timeMs <= untilMs && incident.subjects.has(record.subject);
  const judged = incidents.map((incident): Judged => {
    const first = findings.find((finding) => isAbout(incident, finding, incident.endMs + FOUND_UNTIL_MS));
    return { incident, first, delayMs: first === undefined ? undefined : first.record.timeMs - incident.startMs };
  });
  const falseAlarms = findings.filter(
    (finding) => !incidents.some((incident) => isAbout(incident, finding, incident.endMs + AFTERMATH_MS)),
  );
  return { judged, falseAlarms };
}
