/**
 * How an app's own codecs come to everything that speaks with Temporal: payloads and the texts of failures pass through them. Used by:
 * `client/connect.ts`, `workers/create-worker.ts`.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DataConverter, PayloadCodec } from '@temporalio/common';

/** The workflows' failures are made inside their bundle: it has the same converter. */
export const ENCODED_BUNDLE = new URL('../workflow-bundle-encoded.js', import.meta.url);
export const FAILURE_CONVERTER = fileURLToPath(new URL('../workflows/encoding-failures.cjs', import.meta.url));

/** @returns nothing where there are no codecs: then Temporal's own converter is used, and failures can be read in the Web UI. */
export function withCodecs(codecs: readonly PayloadCodec[] | undefined): { readonly dataConverter?: DataConverter } {
  if (codecs === undefined || codecs.length === 0) return {};
  if (!existsSync(FAILURE_CONVERTER)) throw new Error(`${FAILURE_CONVERTER} is missing; was the package built whole?`);
  return { dataConverter: { payloadCodecs: [...codecs], failureConverterPath: FAILURE_CONVERTER } };
}
