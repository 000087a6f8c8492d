/**
 * A pool whose statements can be refused, and whose answers can be lost: the database has done what it was sent, and the
 * connection breaks before it says so. So it is in a
 * failover, and where a proxy in between is restarted.
 */
import type { Pool, PoolClient } from '../../../db/pool.ts';

export interface LossyPool {
  readonly pool: Pool;
  /** The next answer to such a statement is lost, by its name or its text. @returns how many were lost since. */
  loseNext(statement: RegExp): () => number;
  /** Every answer to such a statement is lost from here on; undefined = no more. */
  loseAll(statement: RegExp | undefined): void;
  /** The next such statement is refused with this SQLSTATE. @returns how many were refused since. */
  refuseNext(statement: RegExp, code: string): () => number;
}

export function lossyPool(pool: Pool): LossyPool {
  let next: { readonly statement: RegExp; readonly code?: string } | undefined;
  let all: RegExp | undefined;
  let struck = 0;
  type Query = (
    config: string | { readonly name?: string; readonly text: string },
    values?: unknown,
  ) => Promise<unknown>;
  const losing =
    (query: Query): Query =>
    async (config, values) => {
      const text = typeof config === 'string' ? config : `${config.name ?? ''} ${config.text}`;
      if (all?.test(text)) {
        await query(config, values);
        throw new Error('Connection terminated unexpectedly');
      }
      if (!next?.statement.test(text)) return query(config, values);
      const { code } = next;
      next = undefined;
      struck++;
      if (code !== undefined) throw Object.assign(new Error(`refused with ${code}`), { code });
      await query(config, values);
      throw new Error('Connection terminated unexpectedly');
    };
  const withLoss = <Of extends Pool | PoolClient>(of: Of, more: object = {}): Of => {
    const own = { query: losing(of.query.bind(of) as Query), ...more };
    return new Proxy(of, {
      get: (target, name) => {
        if (name in own) return own[name as keyof typeof own];
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };
  const strikeNext = (what: typeof next): (() => number) => {
    next = what;
    struck = 0;
    return () => struck;
  };
  return {
    pool: withLoss(pool, { connect: async () => withLoss(await pool.connect()) }),
    loseAll: (statement) => {
      all = statement;
    },
    loseNext: (statement) => strikeNext({ statement }),
    refuseNext: (statement, code) => strikeNext({ statement, code }),
  };
}
