/**
 * Memories of a process that must not grow: what was used last is kept. Used by: `activities/sync/unit-cache.ts`,
 * `limiter/report/report.ts`, `db/encryption.ts` and others.
 */

/** Makes it the latest entry. Beyond `most` entries the oldest is forgotten. */
export function keepLatest<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  for (const oldest of map.keys()) return void map.delete(oldest);
}
