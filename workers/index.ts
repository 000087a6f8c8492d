// Worker processes. Imports anything but tests. Start with create-worker.ts.
export { createWorker } from './create-worker.ts';
export type { SluiceWorker, WorkerOptions } from './create-worker.ts';
export type { OnAlert } from './alerts/deliver-alerts.ts';
export type { WatchOptions } from './alerts/watch-alerts.ts';
export type { Alert, AlertEvent, AlertKind, AlertRules } from '../contracts/alerts/alert.ts';
export type { AlertWebhook } from '../client/alerts/send-webhook.ts';
export type { OnFailure } from './loops/notify-failures.ts';
export type { Retention } from '../contracts/operate/retention.ts';
export type { Report } from '../contracts/report.ts';
export { readEncryptionKeys, readWorkerSettings } from './config.ts';
export type { WorkerSettings } from './config.ts';
export { CredentialsBusy, CredentialsMistake, NeedsReconnect } from '../activities/index.ts';
export type { CredentialSource, CredentialWait, Log } from '../activities/index.ts';
export type { Credentials } from '../contracts/secrets/credentials.ts';
export type { KeyService } from '../contracts/secrets/key-service.ts';
export { startDevServers } from '../dev-servers/index.ts';
export type { DevServers, DevServersOptions } from '../dev-servers/index.ts';
