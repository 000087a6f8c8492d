/** Names in commands that a message tells to run, as a POSIX shell takes them: a name may hold anything. */

export function quotedForShell(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** Without quotes where none are needed. */
export function shellWord(word: string): string {
  return /^[\w.:@/-]+$/.test(word) ? word : quotedForShell(word);
}
