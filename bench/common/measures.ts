/**
 * What a benchmark claims: one line for each goal, judged from the measured value alone. `bench/main.ts` prints them.
 */

export interface Measure {
  readonly measure: string;
  readonly value: number;
  readonly unit: string;
  /** For people, e.g. `>= 0.85`. */
  readonly goal: string;
  readonly ok: boolean;
}

/** A value that must not be smaller than its goal. Something not measured (NaN) is never ok. */
export function atLeast(measure: string, value: number, unit: string, goal: number): Measure {
  return { measure, value: rounded(value), unit, goal: `>= ${goal}`, ok: value >= goal };
}

/** A value that must not be larger than its goal. Something not measured (NaN) is never ok. */
export function atMost(measure: string, value: number, unit: string, goal: number): Measure {
  return { measure, value: rounded(value), unit, goal: `<= ${goal}`, ok: value <= goal };
}

/** Prints a table of people's size. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  for (const line of lines)
    console.log(line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  '));
}

/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length === 0
    ? Number.NaN
    : (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(Math.min(middle, sorted.length - 1))]!) / 2;
}

/** Four digits that count. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
