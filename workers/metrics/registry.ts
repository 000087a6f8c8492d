/**
 * Counters, gauges and histograms of one process, written in the text format of Prometheus. Next: `sluice-metrics.ts` has ours.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(labels: Labels, by?: number): void;
}

export interface Gauge {
  /** Replaces all of its values: what is not named is gone. */
  replace(values: readonly { readonly labels: Labels; readonly value: number }[]): void;
}

export interface Histogram {
  observe(labels: Labels, value: number): void;
  /** Replaces all that was observed, for numbers that are counted elsewhere. */
  replace(values: readonly { readonly labels: Labels; readonly value: number; readonly times: number }[]): void;
}

export interface Registry {
  counter(name: string, help: string): Counter;
  gauge(name: string, help: string): Gauge;
  /** @param bounds upper ends of the buckets, ascending; the last bucket has none. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram;
  text(): string;
}

interface Bucketed {
  readonly labels: Labels;
  readonly counts: number[];
  sum: number;
}

export function createRegistry(): Registry {
  const metrics: { readonly head: string; readonly lines: () => string[] }[] = [];
  const register = (name: string, help: string, type: string, lines: () => string[]): void => {
    metrics.push({ head: `# HELP ${name} ${help}\n# TYPE ${name} ${type}`, lines });
  };
  return {
    counter: (name, help) => {
      const values = new Map<string, number>();
      register(name, help, 'counter', () => [...values].map(([labels, value]) => `${name}${labels} ${value}`));
      return {
        add: (labels, by = 1) => {
          const key = labelText(labels);
          values.set(key, (values.get(key) ?? 0) + by);
        },
      };
    },
    gauge: (name, help) => {
      let current: readonly { readonly labels: Labels; readonly value: number }[] = [];
      register(name, help, 'gauge', () => current.map(({ labels, value }) => `${name}${labelText(labels)} ${value}`));
      return { replace: (values) => (current = values) };
    },
    histogram: (name, help, bounds) => {
      const held = new Map<string, Bucketed>();
      const put = (labels: Labels, value: number, times: number): void => {
        const key = labelText(labels);
        const found = held.get(key) ?? { labels, counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 };
        const place = bounds.findIndex((bound) => value <= bound);
        found.counts[place < 0 ? bounds.length : place]! += times;
        found.sum += value * times;
        held.set(key, found);
      };
      register(name, help, 'histogram', () => [...held.values()].flatMap((found) => bucketLines(name, bounds, found)));
      return {
        observe: (labels, value) => put(labels, value, 1),
        replace: (values) => {
          held.clear();
          for (const { labels, value, times } of values) put(labels, value, times);
        },
      };
    },
    text: () =>
      metrics
        .map(({ head, lines }) => ({ head, lines: lines() }))
        .filter(({ lines }) => lines.length > 0)
        .map(({ head, lines }) => `${[head, ...lines].join('\n')}\n`)
        .join(''),
  };
}

function bucketLines(name: string, bounds: readonly number[], { labels, counts, sum }: Bucketed): string[] {
  let below = 0;
  const lines = [...bounds.map(String), '+Inf'].map((le, index) => {
    below += counts[index] ?? 0;
    return `${name}_bucket${labelText({ ...labels, le })} ${below}`;
  });
  return [...lines, `${name}_sum${labelText(labels)} ${sum}`, `${name}_count${labelText(labels)} ${below}`];
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
