/** How names of fields and codes are compared. Pure. Used by: `envelopes.ts`, `listed-errors.ts`, `error-names.ts`, `inner-errors.ts`. */

/** `error_code`, `errorCode`, `Error-Code` and, with the prefix that XML has, `soap:errorCode` are one name. */
export function plainName(name: string): string {
  return name
    .slice(0, 40)
    .replace(/^[\w.-]+:(?=\w)/, '')
    .replaceAll(/[_-]/g, '')
    .toLowerCase();
}
