// Postgres and Temporal for people who have none: found, started, remembered and stopped.
// May import contracts, pg and @temporalio/client + envconfig; nothing else of Sluice's.
// Start reading at start-dev-servers.ts, then postgres.ts, temporal.ts and find-or-start.ts.
export { startDevServers, type DevServers, type DevServersOptions } from './start-dev-servers.ts';
export { findDevServers, stopDevServers, type DevServersPlace, type RunningDevServers } from './find-dev-servers.ts';
export { devEncryptionKeys, findDevEncryptionKeys } from './encryption-key.ts';
export { ensurePostgres, type PostgresOptions, type PostgresServer } from './postgres/postgres.ts';
export { ensureTemporal, type TemporalOptions, type TemporalServer } from './temporal/temporal.ts';
export { findTemporalBinary, TEMPORAL_CLI_VERSION, type TemporalBinaryOptions } from './temporal/temporal-binary.ts';
export { registerSearchAttributes } from './temporal/search-attributes.ts';
