import { pathToFileURL } from 'node:url';

/** Runs a printed program as it stands; what it exports, and what it said. */
export async function printedBy(path) {
  const { log } = console;
  const lines = [];
  console.log = (...words) => lines.push(words.join(' '));
  try {
    return { module: await import(pathToFileURL(path).href), said: lines.join('\n') };
  } finally {
    console.log = log;
  }
}
