// Writes `sbom.json` beside `package.json`: every package that production brings, with its checksum, as the lock file has them
// (CycloneDX). Run by `npm pack` and `npm publish`. `node scripts/sbom.mjs --out <file>` writes it elsewhere.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'sbom.json') } } });
const args = ['sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx'];
writeFileSync(resolve(values.out), execFileSync('npm', args, { cwd: root, maxBuffer: 64 * 1024 * 1024 }));
