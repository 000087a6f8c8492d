/**
 * Draws what the control law does: the rate given out, accepted and refused calls over time, against the hidden limit.
 * Hand-made SVG for `docs/internals/learned-limits.md`. Next: `docs/img/learned-*.svg`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { ourClient } from './our-client.ts';
import type { ServerSpec } from './servers.ts';
import { run } from './world.ts';
import type { Run } from './world.ts';

interface Plot {
  readonly file: string;
  readonly title: string;
  readonly server: ServerSpec;
  readonly minutes: number;
  /** Calls are counted over this many seconds. */
  readonly binS: number;
}

const plots: readonly Plot[] = [
  { file: 'learned-token-bucket', title: 'Token bucket of 20 calls a second: halved after 10 minutes, doubled after 20', server: { kind: 'token', max: 20, perMs: 1000, changes: [{ atMs: 600_000, factor: 0.5 }, { atMs: 1_200_000, factor: 1 }] }, minutes: 30, binS: 5 },
  { file: 'learned-fixed-window', title: 'Fixed window of 600 calls a minute: measured, kept, probed', server: { kind: 'fixed', max: 600, perMs: 60_000 }, minutes: 20, binS: 5 },
  { file: 'learned-tiny-window', title: 'Window of 15 calls in 15 minutes', server: { kind: 'fixed', max: 15, perMs: 900_000 }, minutes: 180, binS: 60 },
  { file: 'learned-outage', title: 'Token bucket of 20 calls a second, one hour of 5xx', server: { kind: 'token', max: 20, perMs: 1000, outage: { fromMs: 600_000, toMs: 4_200_000 } }, minutes: 80, binS: 10 },
]; // prettier-ignore

const [width, height] = [900, 300];
const [left, right, top, bottom] = [60, 20, 40, 46];

/** Writes the pictures; the same seed gives the same files. */
export function drawPlots(): void {
  const folder = new URL('../../docs/img/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const plot of plots) {
    const client = ourClient({ kind: 'learned', name: 'hidden' });
    const world = { server: plot.server, durationMs: plot.minutes * 60_000, workers: 64, seed: 5, latencyMs: 200 };
    writeFileSync(
      new URL(`${plot.file}.svg`, folder),
      draw(
        plot,
        run(world, () => client),
      ),
    );
  }
}

function draw(plot: Plot, result: Run): string {
  const seconds = plot.minutes * 60;
  const bins = Math.floor(seconds / plot.binS);
  const per = (counts: Uint32Array): number[] =>
    Array.from({ length: bins }, (_, bin) => {
      let sum = 0;
      for (let s = bin * plot.binS; s < (bin + 1) * plot.binS; s += 1) sum += counts[s] ?? 0;
      return sum / plot.binS;
    });
  const accepted = per(result.accepted);
  const refused = per(result.refused);
  const failed = per(result.failed);
  const limits = Array.from({ length: bins }, (_, bin) => result.server.limitAt((bin + 0.5) * plot.binS * 1000));
  const highest = 2.2 * Math.max(...limits);
  const x = (bin: number): string => (left + ((width - left - right) * bin) / bins).toFixed(1);
  const y = (value: number): string =>
    (height - bottom - ((height - top - bottom) * Math.min(value, highest)) / highest).toFixed(1);
  const line = (values: readonly number[]): string => values.map((value, bin) => `${x(bin)},${y(value)}`).join(' ');
  const bars = (values: readonly number[], color: string): string =>
    values
      .map((value, bin) =>
        value > 0
          ? `<rect x="${x(bin)}" y="${y(value)}" width="${Math.max(1.5, (width - left - right) / bins).toFixed(1)}" height="${(Number(y(0)) - Number(y(value))).toFixed(1)}" fill="${color}"/>`
          : '',
      )
      .join('');
  const unit = Math.max(...limits) < 0.5 ? { scale: 60, name: 'calls a minute' } : { scale: 1, name: 'calls a second' };
  const ticks = [0, 0.5, 1, 1.5, 2].map((share) => share * Math.max(...limits));
  const minutes = Array.from({ length: 7 }, (_, index) => (index * plot.minutes) / 6);
  const legend = [
    ['hidden limit', '#888'],
    ['accepted', '#1668b8'],
    ['refused', '#d33'],
    ['failed', '#e69a00'],
  ] as const;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>${plot.title}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${left}" y="20" font-size="14" fill="#222">${plot.title}</text>
${ticks.map((tick) => `<line x1="${left}" x2="${width - right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#eee"/><text x="${left - 6}" y="${Number(y(tick)) + 4}" text-anchor="end" fill="#555">${Number((tick * unit.scale).toPrecision(3))}</text>`).join('')}
${minutes.map((minute) => `<text x="${x((minute * 60) / plot.binS)}" y="${height - bottom + 16}" text-anchor="middle" fill="#555">${Math.round(minute)}</text>`).join('')}
<text x="${width - right}" y="${height - 8}" text-anchor="end" fill="#555">minutes</text>
<text x="${left}" y="${height - 8}" fill="#555">${unit.name}</text>
${legend.map(([name, color], index) => `<rect x="${260 + index * 110}" y="${height - 18}" width="10" height="10" fill="${color}"/><text x="${275 + index * 110}" y="${height - 8}" fill="#555">${name}</text>`).join('')}
<polyline points="${line(limits)}" fill="none" stroke="#888" stroke-width="2" stroke-dasharray="6 4"/>
<polyline points="${line(accepted)}" fill="none" stroke="#1668b8" stroke-width="1.3"/>
${bars(failed, '#e69a00')}
${bars(refused, '#d33')}
</svg>
`;
}
