import { createCounterMemory, createSharedCounters } from '../../src/adapters/memory/counters.ts';
import { settableClock } from '../support/clock.ts';
import { countersContract } from './counters.ts';

countersContract('memory', () => {
  const clock = settableClock(1_000_000);
  return Promise.resolve({
    counters: createSharedCounters(createCounterMemory(64, 1, 'seed'), 0),
    nowMs: () => clock.monotonicMs(),
    advance: (ms) => Promise.resolve(clock.advance(ms)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
