/** Addresses of views: every part of a path and every value of a query is encoded, so no name can lead elsewhere. */

export type Query = Readonly<Record<string, string | undefined>>;

/** @param base the path that the page is mounted at. @returns a function that makes addresses below it. */
export function linksBelow(base: string) {
  return (path: readonly string[], query: Query = {}): string => {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
    const search = new URLSearchParams(given as [string, string][]).toString();
    return `${base}/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
  };
}

export type Link = ReturnType<typeof linksBelow>;
