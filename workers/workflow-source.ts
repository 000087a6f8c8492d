/** Where a worker's workflows come from. Used by: `create-worker.ts`, `testing/simulate/simulator.ts`. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, Runtime, type Logger, type WorkflowBundleOption } from '@temporalio/worker';
import { ENCODED_BUNDLE, FAILURE_CONVERTER } from '../dev-servers/data-converter.ts';

/** The bundle that was given or that the build made; else it is made of the sources, once for all roles. */
export async function workflowBundleFor(
  given: WorkflowBundleOption | undefined,
  isEncoded: boolean,
  logger?: Logger,
): Promise<WorkflowBundleOption> {
  if (given) return given;
  const bundle = fileURLToPath(isEncoded ? ENCODED_BUNDLE : new URL('../workflow-bundle.js', import.meta.url));
  if (existsSync(bundle)) return { codePath: bundle };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url)),
    ...(isEncoded ? { failureConverterPath: FAILURE_CONVERTER } : {}),
    logger: logger ?? Runtime.instance().logger,
  });
}
