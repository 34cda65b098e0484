import fc from 'fast-check';

/** Loaded before the tests by `npm run fuzz`: every property that does not say otherwise runs FUZZ_RUNS times. */
fc.configureGlobal({ numRuns: Number(process.env['FUZZ_RUNS'] ?? 100) });
