/** A time of Temporal's descriptions as milliseconds since 1970. Used by `waits/workflow-task-health.ts` and `waits/failing-activities.ts`. */
export function toMs(time: { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;
}
