/**
 * Whether an answer without rows shows that it has none. `{}`, null, `{ "data": null }` and a mere message show nothing: a third party
 * that fails may say as much. Pure. Used by: `read-page.ts`.
 */

/** There is a list, at whatever place, or something empty where the fields of an object would be rows; or all says nothing. */
export function showsNone(body: unknown): boolean {
  return Array.isArray(body) || (isObject(body) && hasList(body)) || isAllNothing(body);
}

/**
 * Every field says that nothing is there: `{ "items": null, "next": null }`, `{ "total": 0, "page": 1, "items": null }`. Two fields at
 * least, or nothing would tell a page from an error that is not told.
 */
export function isAllNothing(body: unknown): boolean {
  if (!isObject(body) || Array.isArray(body)) return false;
  const fields = Object.entries(body) as [string, unknown][];
  const isNothing = ([name, value]: readonly [string, unknown]): boolean =>
    !/err|code|status/i.test(name.slice(0, 100)) && (!value || typeof value === 'number');
  return fields.length >= 2 && fields.every(isNothing);
}

function hasList(body: object): boolean {
  const open: object[] = [body];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    for (const field of Object.values(value) as unknown[]) {
      if (Array.isArray(field)) return true;
      if (!isObject(field)) continue;
      if (Object.keys(field).length === 0) return true;
      open.push(field);
    }
  }
  return false;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
