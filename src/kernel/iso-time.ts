/** A time as RFC 3339 writes it, to the second: `2030-01-01T00:00:00Z`. @param timeMs milliseconds since the epoch */
export const isoSeconds = (timeMs: number): string => new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z');
