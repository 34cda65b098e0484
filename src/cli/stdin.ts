/** All of standard input. */
export async function wholeStdin(): Promise<string> {
  let text = '';
  for await (const part of process.stdin) text += String(part);
  return text;
}
