/**
 * Whether an answer without rows shows that it has none. `{}`, null, `{ "data": null }` and a mere message show nothing: a third party
 * that fails may say as much. Pure. Used by: `read-page.ts`.
 */

/**
 * There is an empty list, at whatever place, or something empty where the fields of an object would be rows, and no
 * list with entries. Or all says nothing.
 */
export function showsNone(body: unknown): boolean {
  return isEmpty(body) || isAllNothing(body);
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

/**
 * Nothing is left of it behind the schema, and yet it has something to say: a sentence, or a list with entries. An error that nobody
 * knows for one looks so, where rows may be left out: `{ "Information": "Our limit is 25 requests a day." }`.
 */
export function saysOther(body: unknown, response: unknown): boolean {
  if (!isObject(body) || !isObject(response) || Array.isArray(response) || Object.keys(response).length > 0)
    return false;
  return Object.values(body).some((value: unknown) =>
    Array.isArray(value) ? value.length > 0 : typeof value === 'string' && /\w\s+\w/.test(value.slice(0, 200)),
  );
}

/** Something is empty, and no list has entries. What is in lists does not count: a row may have an empty list of its own. */
function isEmpty(body: unknown): boolean {
  if (!isObject(body)) return false;
  const open: object[] = [body];
  let hasEmpty = false;
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    const fields = Object.values(value) as unknown[];
    if (Array.isArray(value) && fields.length > 0) return false;
    hasEmpty ||= fields.length === 0 && (Array.isArray(value) || value !== body);
    open.push(...fields.filter(isObject));
  }
  return hasEmpty;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
