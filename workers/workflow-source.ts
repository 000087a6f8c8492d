/** Where a worker's workflows come from. Used by: `create-worker.ts`. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { WorkflowBundleOption } from '@temporalio/worker';
import { ENCODED_BUNDLE } from '../dev-servers/data-converter.ts';

/** The bundle that was given or that the build made, or the sources, which are then bundled now. */
export function workflowSource(
  given: WorkflowBundleOption | undefined,
  isEncoded: boolean,
): { workflowBundle: WorkflowBundleOption } | { workflowsPath: string } {
  if (given) return { workflowBundle: given };
  const bundle = fileURLToPath(isEncoded ? ENCODED_BUNDLE : new URL('../workflow-bundle.js', import.meta.url));
  if (existsSync(bundle)) return { workflowBundle: { codePath: bundle } };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return { workflowsPath: fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url)) };
}
