/** All kinds. Next: `bench/honesty.ts` reads each. */
import type { HonestyKind } from '../kind.ts';
import { answers } from './answers.ts';
import { caps } from './caps.ts';
import { cursors } from './cursors.ts';
import { fronts } from './fronts.ts';
import { links } from './links.ts';
import { loops } from './loops.ts';
import { moving } from './moving.ts';
import { numbered } from './numbered.ts';
import { shapes } from './shapes.ts';
import { totals } from './totals.ts';

export const kinds: readonly HonestyKind[] = [
  cursors,
  links,
  numbered,
  totals,
  moving,
  caps,
  loops,
  answers,
  fronts,
  shapes,
].flatMap(({ group, kinds: of }) => of.map((kind) => ({ ...kind, group })));
