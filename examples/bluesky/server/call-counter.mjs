/**
 * Counts what reaches the PDS, on the PDS's side: XRPC calls and how many of them it refused with a 429. Calls that carry
 * the bypass key (seeding) are kept apart. `start-pds.mjs` shows the numbers on its control port.
 */

/** @param {{ isBypassed: (request: import('node:http').IncomingMessage) => boolean }} options */
export function createCallCounter({ isBypassed }) {
  let counts = emptyCounts();

  /** Wraps a request handler. A call counts when it arrives, its status when it has been answered. */
  function counted(handler) {
    return (request, response) => {
      const path = request.url.split('?', 1)[0];
      if (path.startsWith('/xrpc/')) count(counts, path.slice('/xrpc/'.length), request, response);
      handler(request, response);
    };
  }

  // `into` is the set of counts at arrival: a call that is in flight during a reset stays with the old set.
  function count(into, method, request, response) {
    if (isBypassed(request)) {
      into.bypassed += 1;
      return;
    }
    const of = (into.byPath[method] ??= { total: 0, refused: 0 });
    into.total += 1;
    of.total += 1;
    into.firstAt ??= Date.now();
    response.once('finish', () => {
      into.byStatus[response.statusCode] = (into.byStatus[response.statusCode] ?? 0) + 1;
      into.lastAt = Date.now();
      if (response.statusCode !== 429) return;
      into.refused += 1;
      of.refused += 1;
    });
  }

  function stats() {
    const { firstAt, lastAt, ...rest } = counts;
    return {
      ...rest,
      firstCallAt: firstAt === undefined ? null : new Date(firstAt).toISOString(),
      lastCallAt: lastAt === undefined ? null : new Date(lastAt).toISOString(),
      seconds: firstAt === undefined || lastAt === undefined ? 0 : (lastAt - firstAt) / 1_000,
    };
  }

  return { counted, stats, reset: () => void (counts = emptyCounts()) };
}

function emptyCounts() {
  return { total: 0, refused: 0, bypassed: 0, byPath: {}, byStatus: {}, firstAt: undefined, lastAt: undefined };
}
