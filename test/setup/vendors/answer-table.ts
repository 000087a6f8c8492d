/** What answers of a vendor mean, as a table: an answer as its documentation shows it, and what follows. */
import { describe, expect, it } from 'vitest';
import type { Answer, Outcome } from '../../../providers/index.ts';

export type Told = readonly [what: string, answer: Answer, outcome: Partial<Outcome>];

export const answer = (status: number, body: unknown = {}, headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  text: typeof body === 'string' ? body : JSON.stringify(body),
  elapsedMs: 1,
});

export function table(name: string, decide: (answer: Answer) => Outcome, rows: readonly Told[]): void {
  describe(name, () => {
    it.each(rows)('%s', (_, given, outcome) => {
      expect(decide(given)).toMatchObject(outcome);
    });
  });
}
