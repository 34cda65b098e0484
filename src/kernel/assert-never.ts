/** Ends a switch over a union: does not compile while a case is missing, throws if one slips through at run time. */
export function assertNever(value: never): never {
  throw new TypeError(`unhandled case: ${JSON.stringify(value)}`);
}
