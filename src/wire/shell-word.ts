/** A word of a command line to copy: whatever it holds, a shell takes it as that one word. */
export const shellWord = (text: string): string =>
  /^[\w.:@/=+,-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", `'\\''`)}'`;
