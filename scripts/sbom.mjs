// Writes `sbom.json` beside `package.json`: every package that production brings, with its checksum, as the lock file has them
// (CycloneDX). Run by `npm pack` and `npm publish`. `node scripts/sbom.mjs --out <file>` writes it elsewhere.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'sbom.json') } } });
// `--omit=dev` also leaves out what both production and development bring.
const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'];
const bill = JSON.parse(execFileSync('npm', args, { cwd: root, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' }));
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const produced = new Set(
  Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, { version }]) => `${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`),
);
bill.components = bill.components.filter(({ name, version }) => produced.has(`${name}@${version}`));
const known = new Set([
  bill.metadata.component['bom-ref'],
  ...bill.components.map((component) => component['bom-ref']),
]);
bill.dependencies = bill.dependencies
  .filter(({ ref }) => known.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((on) => known.has(on)) }));
writeFileSync(resolve(values.out), `${JSON.stringify(bill, null, 2)}\n`);
