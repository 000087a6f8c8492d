/**
 * What the workflows of `workflows.ts` ask of the app: ordinary Temporal activities.
 */
export interface ShapeActivities {
  /** A step of the app's own: sends a mail, rebuilds an index, calls the next system. */
  tell(what: string): Promise<void>;
}
