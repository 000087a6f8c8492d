/** What `sluice status` says of a change feed that an open transaction holds back. */
import type { FeedLag } from '../../client/index.ts';
import { duration } from '../../contracts/values/duration.ts';

/** Transactions that store pages last milliseconds; shorter ones are no news. */
const WORTH_A_LINE_MS = 10_000;

export function feedLagLines(lag: FeedLag | undefined): string[] {
  if (!lag?.heldBy || lag.behindMs === null || lag.behindMs < WORTH_A_LINE_MS) return [];
  const { heldBy, behindMs } = lag;
  const who =
    heldBy.pid === null ? `the prepared transaction "${heldBy.application}"` : `a transaction of process ${heldBy.pid}`;
  const of = heldBy.pid === null ? '' : `, ${heldBy.application || 'a program without a name'}, ${heldBy.state}`;
  return [
    `  records() shows what was stored until ${duration(behindMs)} ago: ${who} is open since then (database ${heldBy.database}${of})`,
  ];
}
