/** `depd` without its wrapping of deprecated functions, for which it generates code; a CommonJS module as text. */
export const QUIET_DEPD = `module.exports = () => Object.assign(() => {}, { function: (fn) => fn, property: () => {} });`;
