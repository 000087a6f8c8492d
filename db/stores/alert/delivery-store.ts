/**
 * Alerts on their way to the app and to the webhook: leased, told, told again until they are taken. Those of one alert go one after
 * another. Next: `workers/alerts/deliver-alerts.ts`.
 */
import type { Alert, AlertEvent } from '../../../contracts/alerts/alert.ts';
import { cleanText } from '../../../contracts/values/clean-text.ts';
import type { Queryable } from '../../pool.ts';
import { ALERT_COLUMNS, toAlert } from './alert-store.ts';

export type AlertChannel = 'handler' | 'webhook';

export interface AlertDelivery {
  readonly id: number;
  readonly channel: AlertChannel;
  /** Times that it was tried before. */
  readonly tries: number;
  readonly event: AlertEvent;
}

// Index: alert_delivery_due, alert_delivery_of. What happened while nobody was there to be told is old news after a day.
const CLAIM = `
  with next as (
    select d.id from sluice.alert_delivery d
    where d.channel = any ($1) and d.delivered_at is null and d.due_at <= clock_timestamp()
      and d.at > clock_timestamp() - interval '1 day' and not exists (
        select 1 from sluice.alert_delivery e where e.alert_id = d.alert_id and e.channel = d.channel and e.id < d.id
          and e.delivered_at is null and e.at > clock_timestamp() - interval '1 day')
    order by d.id limit $2 for no key update of d skip locked
  )
  update sluice.alert_delivery d set due_at = clock_timestamp() + make_interval(secs => $3 / 1000.0), tries = d.tries + 1
  from next, sluice.alert a where d.id = next.id and d.delivered_at is null and a.id = d.alert_id
  returning d.id as delivery, d.channel, d.tries, d.event, d.at, ${ALERT_COLUMNS}`;

type DeliveryRow = Parameters<typeof toAlert>[0] & {
  readonly delivery: number;
  readonly channel: AlertChannel;
  readonly tries: number;
  readonly event: 'fired' | 'cleared';
  readonly at: Date;
};

/** Leases up to `room` of them for `leaseMs`. */
export async function claimDeliveries(
  db: Queryable,
  channels: readonly AlertChannel[],
  room: number,
  leaseMs: number,
): Promise<AlertDelivery[]> {
  const { rows } = await db.query<DeliveryRow>(CLAIM, [channels, room, leaseMs]);
  return rows.map((row) => ({
    id: row.delivery,
    channel: row.channel,
    tries: row.tries - 1,
    event: {
      type: `alert.${row.event}`,
      id: `${row.id}.${row.event}`,
      timestamp: row.at.toISOString(),
      alert: row.event === 'fired' ? toAlert(row) : over(toAlert(row)),
    },
  }));
}

/** Who reads only this must not begin to mend it. */
function over(alert: Alert): Alert {
  return { ...alert, text: `Over, nothing is left to do. It was: ${alert.text}` };
}

export async function markDelivered(db: Queryable, id: number): Promise<void> {
  await db.query('update sluice.alert_delivery set delivered_at = clock_timestamp(), error = null where id = $1', [id]);
}

/** It was not taken: again after `delayMs`. */
export async function postponeDelivery(db: Queryable, id: number, delayMs: number, error: string): Promise<void> {
  await db.query(
    `update sluice.alert_delivery set due_at = clock_timestamp() + make_interval(secs => $2 / 1000.0), error = $3
     where id = $1 and delivered_at is null`,
    [id, delayMs, cleanText(error, 500)],
  );
}
