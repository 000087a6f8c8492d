/**
 * How a command says what it has done: in words, or with `--json` the facts as one line. Used by `cli/commands`.
 */

export function tell({ json }: { readonly json?: boolean | undefined }, facts: unknown, text: string): void {
  console.log(json ? JSON.stringify(facts) : text);
}
