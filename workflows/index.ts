// Workflows: the fixed interpreter that runs any plan. Imports contracts and the Temporal workflow library only.
// Start with sync.ts.
export { sync } from './sync.ts';
export { resource } from './resource.ts';
