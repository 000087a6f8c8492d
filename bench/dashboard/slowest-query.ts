/** The slowest query that this process has asked a database, as its asker waits for it. Used by: `bench/dashboard.ts`. */
import { Client } from 'pg';

export interface SlowestQuery {
  readonly ms: number;
  readonly text: string;
}

type Ask = (this: Client, ...given: unknown[]) => unknown;

/** Watches from now on. @returns forgets what was seen so far when it is called, and gives the slowest of it. */
export function watchQueries(): () => SlowestQuery {
  let slowest: SlowestQuery = { ms: 0, text: '' };
  const prototype = Client.prototype as unknown as { query: Ask };
  const { query } = prototype;
  prototype.query = function (...given) {
    const began = performance.now();
    const [asked] = given as [string | { readonly text?: string }];
    const seen = (): void => {
      const ms = performance.now() - began;
      if (ms > slowest.ms) slowest = { ms, text: (typeof asked === 'string' ? asked : asked.text) ?? '' };
    };
    const last = given.at(-1);
    if (typeof last === 'function') {
      given[given.length - 1] = (...said: unknown[]): unknown => {
        seen();
        return (last as (...said: unknown[]) => unknown)(...said);
      };
      return query.apply(this, given);
    }
    const answer = query.apply(this, given);
    return answer instanceof Promise ? answer.finally(seen) : answer;
  };
  return () => {
    const found = slowest;
    slowest = { ms: 0, text: '' };
    return found;
  };
}
