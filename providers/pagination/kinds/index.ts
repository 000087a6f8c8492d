/**
 * The kinds of lists: the request for a page, and where the list goes after one. Used by: `providers/pagination/compile.ts`, which looks an
 * endpoint's kind up. Next: the file of a kind, as `cursor.ts`, then `providers/pagination/walks/token-walk.ts`.
 */
import type { PaginationKind } from '../../../contracts/plan.ts';
import { cursor } from './cursor.ts';
import { link } from './link.ts';
import { offset } from './offset.ts';
import { page } from './page.ts';
import type { Kind } from './shared.ts';
import { single } from './single.ts';

// Each takes the options of its own kind; which those are is known only when they are looked up.
export const kinds: Readonly<Record<PaginationKind, Kind<never>>> = { single, cursor, link, page, offset };
