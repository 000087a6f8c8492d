import { appendFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { nodeArgs, startChild } from './engine/child.ts';
import { plainLoop, sluice, type Contestant } from './engine/contestants.ts';
import { measureRun } from './engine/one-run.ts';
import { runSql, startBenchServers } from './engine/servers.ts';

const [rounds, accounts, pages, latency, warmUp, ...names] = process.argv.slice(2);
const of = (name: string): Contestant =>
  name === 'plain'
    ? plainLoop
    : {
        ...sluice,
        name: `sluice ${name}`,
        start: async (environment) => {
          const [named = '', ...flags] = name.split('+');
          const [tree = '', db] = named.split('@');
          const child = await startChild({
            command: process.execPath,
            args: [...flags, ...nodeArgs(new URL(`file://${tree === 'new' ? '/work/main' : `/tmp/m/${tree}`}/bench/engine/sluice-worker.ts`))],
            hear: (text) => process.env['HEAR'] && appendFileSync(`/tmp/m/hear-${tree}.log`, text),
            cwd: tree === 'new' ? '/work/main' : `/tmp/m/${tree}`,
            env: { ...environment, SLUICE_LOG_LEVEL: 'warn', ...(db ? { SLUICE_DB_CONNECTIONS: db } : {}) },
          });
          if (process.env['PERF'])
            setTimeout(() => {
              spawn('sh', ['-c', `perf record -g -o /tmp/m/perf-${name}.data -F 499 -p ${child.pid} -- sleep 10 >/tmp/m/perf.log 2>&1`], { stdio: 'inherit' });
            }, 12_000);
          return { workerPid: child.pid, go: () => child.go(), stop: () => child.stop() };
        },
      };
const servers = await startBenchServers();
for (let round = 0; round < Number(rounds); round++)
  for (const name of round % 2 ? names.toReversed() : names) {
    let on = true;
    const seen = new Set<string>();
    const watch = process.env['WATCH'] && (async () => {
      const { Client } = (await import('pg')).default;
      const url = await servers.createDatabase('watch');
      const c = new Client({ connectionString: url });
      await c.connect();
      while (on) {
        const { rows } = await c.query(`select query, clock_timestamp() - query_start as d, wait_event_type w, datname from pg_stat_activity where state = 'active' and datname <> current_database() and clock_timestamp() - query_start > interval '60 ms'`);
        for (const r of rows) { const k = r.query.replace(/\s+/g, ' ').slice(0, 600); if (!seen.has(k)) { seen.add(k); console.log('SLOW', JSON.stringify(r.d), r.w, r.datname, k); } }
        await new Promise((r) => setTimeout(r, 20));
      }
      await c.end();
    })();
    const f = await measureRun(servers, of(name), '', {
      accounts: Number(accounts), pages: Number(pages), latencyMs: Number(latency), warmUp: Number(warmUp),
    });
    on = false;
    await watch;
    const cpu = Object.entries(f.cpuMs).map(([k, v]) => `${k} ${v.toFixed(2)}`).join(' ');
    if (name !== 'plain') {
      const [row] = await runSql<any>(f.databaseUrl, `select xact_commit c, tup_inserted i, tup_updated u, tup_deleted d, tup_returned r, tup_fetched f, blks_hit b, (select wal_bytes from pg_stat_wal) w, (select wal_records from pg_stat_wal) wr from pg_stat_database where datname = current_database()`);
      for (const t of await runSql<any>(f.databaseUrl, `select relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd from pg_stat_user_tables where seq_tup_read > 2000 or idx_tup_fetch > 2000 order by seq_tup_read desc limit 12`))
        console.log('      ', JSON.stringify(t));
      console.log('   per call', Object.entries(row).map(([k, v]) => `${k} ${(Number(v) / f.calls).toFixed(2)}`).join(' '));
    }
    console.log(name.padEnd(10), f.callsPerSecond.toFixed(0), 'calls/s', f.seconds.toFixed(2), 's  cpu', cpu, f.workerMiB.toFixed(0), 'MiB', f.calls, f.missingRows);
  }
await servers.stop();
process.exit(0);
