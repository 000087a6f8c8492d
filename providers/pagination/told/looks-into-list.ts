/**
 * Whether a function of the definition gave a list of the response, or has looked into one. An `items` that never
 * looked was written for a list at another place, or got another answer altogether. A `hasMore` that did has counted
 * rows, and is no word of the third party. Pure. Used by: `activities/page/read-page.ts`, `../end-seen.ts`.
 */
export function looksIntoList(read: (response: unknown) => unknown, response: unknown): boolean {
  let hasLooked = false;
  const lists = new WeakSet<object>();
  const watched = (value: unknown): unknown => {
    if (!isObject(value) || ![Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value) as never))
      return value;
    const proxy: object = new Proxy(value, {
      get: (target, name, receiver) => {
        if (Array.isArray(target) && Reflect.has(target, name)) hasLooked = true;
        return watched(Reflect.get(target, name, receiver));
      },
    });
    if (Array.isArray(value)) lists.add(proxy);
    return proxy;
  };
  try {
    const given = read(watched(response));
    return hasLooked || (isObject(given) && lists.has(given));
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
