/** The kinds of lists. Next: `providers/pagination/compile.ts` looks an endpoint's kind up here. */
import type { PaginationKind } from '../../../contracts/plan.ts';
import { cursor } from './cursor.ts';
import { link } from './link.ts';
import { offset } from './offset.ts';
import { page } from './page.ts';
import type { Kind } from './shared.ts';
import { single } from './single.ts';

// Each takes the options of its own kind; which those are is known only when they are looked up.
export const kinds: Readonly<Record<PaginationKind, Kind<never>>> = { single, cursor, link, page, offset };
