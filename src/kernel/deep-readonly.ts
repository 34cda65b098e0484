declare const kept: unique symbol;

/** A type that is read-only by itself; only its name is looked at, so that it may hold itself. */
export type Kept<T> = T & { readonly [kept]: true };

/** A type of plain data, read-only at every depth. */
export type DeepReadonly<T> = T extends { readonly [kept]: true }
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;
