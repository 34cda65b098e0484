/** Colours that a terminal is told by their number (ECMA-48, SGR). */
const NUMBERS = { bold: 1, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** A colour of the terminal, or bold. */
export type Colour = keyof typeof NUMBERS;

/** Puts colour on text where a terminal shows it, and leaves it as it is everywhere else. */
export type Paint = (text: string, colour: Colour) => string;

/** @param isTerminal whether a terminal reads the text and its person wants colour */
export function painter(isTerminal: boolean): Paint {
  return (text, colour) => (isTerminal ? `\u001b[${NUMBERS[colour]}m${text}\u001b[0m` : text);
}
