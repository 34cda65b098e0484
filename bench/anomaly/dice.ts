/** Numbers that look random and are the same for the same seed. */
export interface Dice {
  /** 0 to below 1. */
  unit(): number;
  /** A whole number below. */
  below(count: number): number;
  between(low: number, high: number): number;
  /** As likely in each factor of two. */
  logBetween(low: number, high: number): number;
  isTrue(chance: number): boolean;
  normal(): number;
  logNormal(median: number, sigma: number): number;
  exponential(mean: number): number;
  /** Gamma of the given shape and mean 1. */
  gamma(shape: number): number;
  poisson(mean: number): number;
  pick<T>(items: readonly T[]): T;
  /** 16 hexadecimal digits. */
  hex16(): string;
}

/** @param seed 32 bits (mulberry32) */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  function bits(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  const unit = (): number => bits() / 2 ** 32;
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit());
  const exponential = (mean: number): number => -Math.log(1 - unit()) * mean;
  const hex8 = (): string => bits().toString(16).padStart(8, '0');

  /** Marsaglia and Tsang 2000, with the usual step for shapes below 1. */
  function gamma(shape: number): number {
    if (shape < 1) return (gamma(shape + 1) * (shape + 1) * unit() ** (1 / shape)) / shape;
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - unit()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return (d * v) / shape;
    }
  }

  function poisson(mean: number): number {
    if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
    let count = 0;
    for (let product = unit(); product > Math.exp(-mean); product *= unit()) count++;
    return count;
  }

  return {
    unit,
    below: (count) => Math.floor(unit() * count),
    between: (low, high) => low + unit() * (high - low),
    logBetween: (low, high) => low * (high / low) ** unit(),
    isTrue: (chance) => unit() < chance,
    normal,
    logNormal: (median, sigma) => median * Math.exp(sigma * normal()),
    exponential,
    gamma,
    poisson,
    pick(items) {
      const item = items[Math.floor(unit() * items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
    hex16: () => hex8() + hex8(),
  };
}
