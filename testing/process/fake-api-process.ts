/**
 * A fake third party in a process of its own, so that a load test does not measure it: run with a module that sets it
 * up, or with a JSON description.
 *   node --import tsx testing/process/fake-api-process.ts ./my-api.ts
 *   node --import tsx testing/process/fake-api-process.ts '{"lists":{"/users/:id/posts":{"count":5000}},"limits":[{"name":"app","max":20}]}'
 * Prints its address as one JSON line, and stops with the process that started it, or on SIGTERM.
 * Next: `start-process.ts` starts it from a test and speaks with it over the channel opened here.
 */
import { pathToFileURL } from 'node:url';
import type { FakeApi } from '../fake-api/fake-api.ts';
import { startFakeApi } from '../fake-api/fake-api.ts';
import type { LimitNumbers } from '../fake-api/limits/limit-counters.ts';
import type { LimitOptions } from '../fake-api/limits/limits.ts';
import type { ListOptions } from '../fake-api/lists/lists.ts';
import type { OAuthOptions } from '../fake-api/oauth/oauth.ts';
import type { OutageHandle, OutageOptions } from '../faults/outages.ts';
import type { ChaosHandle, ChaosOptions, ScriptOptions, ScriptStep } from '../faults/scripts.ts';
import type { FakeApiOptions } from '../fake-api/server.ts';

/** A third party as plain data: what needs no function. */
export interface FakeApiDescription extends FakeApiOptions {
  /** Lists by path pattern. */
  readonly lists?: Readonly<Record<string, ListOptions<string, object>>>;
  /** Objects by path pattern: each answers its path parameters and these fields. */
  readonly objects?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Actions by path pattern, all of them POST. */
  readonly actions?: readonly string[];
  readonly limits?: readonly LimitOptions[];
  readonly chaos?: ChaosOptions;
  readonly oauth?: OAuthOptions;
}

type Described = {
  readonly [Name in Exclude<keyof FakeApiDescription, keyof FakeApiOptions>]: FakeApiDescription[Name] | undefined;
};

/** What a setup module exports. */
export interface FakeApiModule {
  readonly options?: FakeApiOptions;
  /** Sets the third party up. `args` come from whoever started the process. */
  install(api: FakeApi, args: unknown): void | Promise<void>;
  /** More commands for `process.command(name, args)`; results travel as JSON. */
  readonly commands?: Readonly<Record<string, (api: FakeApi, args: never) => unknown>>;
}

/** One message to this process; answered with the same `id`. */
export interface ProcessRequest {
  readonly id: number;
  readonly command: string;
  readonly args: unknown;
}

export type ProcessReply = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

/** The commands that every process knows. */
function builtInCommands(api: FakeApi) {
  let chaos: ChaosHandle | undefined;
  let outage: OutageHandle | undefined;
  return {
    report: () => api.report(),
    reset: () => api.reset(),
    positions: (path: string) => api.positions(path),
    setLimit: ({ name, ...numbers }: { name: string } & Partial<LimitNumbers>) => {
      const limit = api.limits().find((one) => one.name === name);
      if (limit === undefined) throw new TypeError(`no limit is named "${name}"`);
      limit.set(numbers);
    },
    script: ({ on, steps, options }: { on: string; steps: readonly ScriptStep[]; options?: ScriptOptions }) => {
      api.script(on, steps, options);
    },
    chaos: (options: ChaosOptions) => {
      chaos?.stop();
      chaos = api.chaos(options);
    },
    calm: () => chaos?.stop(),
    outage: async (options: OutageOptions) => {
      outage = api.outage(options);
      if (options.afterMs === undefined) await outage.begun;
    },
    endOutage: () => outage?.end(),
    pause: () => api.pause(),
    resume: () => api.resume(),
  };
}

export type BuiltInCommands = ReturnType<typeof builtInCommands>;

function installDescription(api: FakeApi, description: Described): void {
  for (const [pattern, options] of Object.entries(description.lists ?? {})) api.list(pattern, options);
  for (const [pattern, fields] of Object.entries(description.objects ?? {})) {
    api.object(pattern, (params) => ({ ...params, ...fields }));
  }
  for (const pattern of description.actions ?? []) api.action('POST', pattern);
  for (const limit of description.limits ?? []) api.limit(limit);
  if (description.chaos !== undefined) api.chaos(description.chaos);
  if (description.oauth !== undefined) api.oauth(description.oauth);
}

async function readModule(source: string): Promise<FakeApiModule> {
  if (source.startsWith('{')) {
    const { lists, objects, actions, limits, chaos, oauth, ...options } = JSON.parse(source) as FakeApiDescription;
    const description = { lists, objects, actions, limits, chaos, oauth };
    return { options, install: (api) => installDescription(api, description) };
  }
  const address = source.startsWith('file:') ? source : pathToFileURL(source).href;
  const found = (await import(address)) as Partial<FakeApiModule>;
  if (found.install === undefined) throw new TypeError(`${source}: expected a module that exports install(api, args)`);
  return found as FakeApiModule;
}

async function main(source: string | undefined, argsText: string | undefined): Promise<void> {
  if (source === undefined) throw new TypeError('expected a JSON description or the path of a module');
  const setup = await readModule(source);
  const api = await startFakeApi(setup.options);
  await setup.install(api, argsText === undefined ? undefined : JSON.parse(argsText));
  const commands: Readonly<Record<string, (args: never) => unknown>> = {
    ...builtInCommands(api),
    ...Object.fromEntries(Object.entries(setup.commands ?? {}).map(([name, run]) => [name, (args) => run(api, args)])),
  };

  const answer = async ({ id, command, args }: ProcessRequest): Promise<ProcessReply> => {
    const run = commands[command];
    if (run === undefined)
      return { id, error: `unknown command "${command}"; known: ${Object.keys(commands).join(', ')}` };
    try {
      return { id, result: await run(args as never) };
    } catch (error) {
      return { id, error: error instanceof Error ? error.message : String(error) };
    }
  };
  process.on('message', (request: ProcessRequest) => {
    void answer(request).then((reply) => process.send?.(reply));
  });
  const stop = () => void api.stop().then(() => process.exit(0));
  process.once('SIGTERM', stop).once('SIGINT', stop).once('disconnect', stop);
  console.log(JSON.stringify({ url: api.url }));
  process.send?.({ id: 0, result: api.url } satisfies ProcessReply);
}

await main(process.argv[2], process.argv[3]);
