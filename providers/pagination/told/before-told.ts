/**
 * Whether the first page of a list says of itself that others come before it. Its numbers begin with 0, and the
 * definition asks from 1, or it is read from its end. Pure. Used by: `activities/page/told-of-more.ts`.
 */
import { linkOf } from '../kinds/link-header.ts';
import { leadsOn, placesOf, type LastPage } from './more-told.ts';
import { toldBoolean } from './told-boolean.ts';

const FIRST = /^(is_?)?first(_?page)?$/i;
const HAS_BEFORE = /^(is_|has_?)(prev|previous)(_?page)?$/i;
const BEFORE = /^(@odata\.|_+)?prev(ious)?(_?(page|link|ur[il]|href))*$/i;

/**
 * A flag that says so, as in a connection of GraphQL that is read from its end. A link is none: it may lead to rows
 * that are yet to come.
 */
export function flagBefore({ body, count }: Pick<LastPage, 'body' | 'count'>): string | undefined {
  for (const [path, fields] of placesOf(body, count))
    for (const [name, value] of Object.entries(fields))
      if (HAS_BEFORE.test(name) && toldBoolean(value) === true)
        return `\`${path === '' ? '' : `${path}.`}${name}\` is ${JSON.stringify(value)}`;
  return undefined;
}

/** @returns in words what says so. */
export function beforeTold({ body, headers, url, count }: Omit<LastPage, 'status' | 'against'>): string | undefined {
  if (linkOf(headers['link'], 'prev', url) !== undefined || linkOf(headers['link'], 'previous', url) !== undefined)
    return 'its `Link` header names a page before it';
  for (const [path, fields] of placesOf(body, count))
    for (const [name, value] of Object.entries(fields)) {
      const at = `\`${path === '' ? '' : `${path}.`}${name}\``;
      if (FIRST.test(name) && toldBoolean(value) === false) return `${at} is ${JSON.stringify(value)}`;
      if (HAS_BEFORE.test(name) && toldBoolean(value) === true) return `${at} is ${JSON.stringify(value)}`;
      // A number may be that of no page.
      if (BEFORE.test(name) && typeof value !== 'number' && leadsOn(value)) return `${at} names a page before it`;
    }
  return undefined;
}
