/** Printable ASCII only: terminals and log viewers act on the rest. */
export const printable = (text: string, max: number): string => text.slice(0, max).replace(/[^\x20-\x7e]/g, '?');

// Controls move a terminal's cursor or begin a header; the others turn the order of a line round, hide in it, or end it.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text with a space in place of each character that is not seen and that a reader may act on. */
export const withoutUnseen = (text: string): string => text.replace(UNSEEN, ' ');

/** The text with whatever looks like a credential masked: somebody may have typed one where it does not belong. */
export const withoutSecrets = (text: string): string =>
  SUSPECT.test(text) ? text.replace(API_KEY, 'sp_***').replace(TOKEN, 'eyJ***') : text;

const SUSPECT = /sp_|eyJ/;
const API_KEY = /sp_[A-Za-z0-9]{4,}_?[A-Za-z0-9]*/g;
const TOKEN = /eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}/g;
