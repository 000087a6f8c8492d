/**
 * `sluice/testing`: a third party for tests, on loopback, that counts by itself what is done to it, and syncs run against
 * it on real servers. The third party imports node builtins only; the rest of Sluice is loaded when a simulation starts.
 * Start reading at `fake-api/fake-api.ts` or `simulate/simulate-sync.ts`.
 */
export type { ActionHandle, ActionOptions, Created } from './fake-api/actions.ts';
export type { FakeAnswer } from './fake-api/answer.ts';
export type { BadHosts } from './faults/bad-hosts.ts';
export { startBadHosts } from './faults/bad-hosts.ts';
export type { BrokenList, BrokenListGuard, BrokenListPaging } from './pagination-faults/broken-lists.ts';
export { brokenLists } from './pagination-faults/broken-lists.ts';
export type { FakeCall } from './fake-api/call.ts';
export type { Cassette, CassetteBody, CassetteExchange } from './cassettes/cassette-file.ts';
export { readCassette, writeCassette } from './cassettes/cassette-file.ts';
export type { Certificate, CertificateOptions } from './faults/certificate.ts';
export { selfSignedCertificate } from './faults/certificate.ts';
export type { FakeApi } from './fake-api/fake-api.ts';
export { startFakeApi } from './fake-api/fake-api.ts';
export type { BinaryOptions } from './fake-api/binary.ts';
export type { FileOptions } from './fake-api/files.ts';
export type { FakeApiDescription, FakeApiModule } from './process/fake-api-process.ts';
export type { FakeJob, JobServer, JobServerOptions } from './fake-api/jobs.ts';
export type { HostileKind } from './faults/hostile.ts';
export { hostileKinds, runsRoute } from './faults/hostile.ts';
export type { LimitKind, LimitNumbers } from './fake-api/limits/limit-counters.ts';
export type { LimitHeaders } from './fake-api/limits/limit-headers.ts';
export type { LimitHandle, LimitKey, LimitKeyPart, LimitOptions } from './fake-api/limits/limits.ts';
export type { ListOptions, PageParams, PageSizeOptions, ServedPage } from './fake-api/lists/lists.ts';
export type { OAuthOptions } from './fake-api/oauth/oauth.ts';
export type { AccountTokens, IssuedTokens, OAuthHandle } from './fake-api/oauth/token-store.ts';
export type { OutageHandle, OutageKind, OutageOptions } from './faults/outages.ts';
export type { PageFields, PageKind } from './fake-api/lists/page-answer.ts';
export type { PathFilter, PathParams } from './fake-api/paths.ts';
export type { PlayedCassette, PlayOptions } from './cassettes/play.ts';
export { playCassette } from './cassettes/play.ts';
export type { CassetteRecorder, RecordOptions } from './cassettes/record.ts';
export { recordCassette } from './cassettes/record.ts';
export type { RedactOptions } from './cassettes/redact.ts';
export type { ThinOptions } from './cassettes/thin.ts';
export { thinCassette } from './cassettes/thin.ts';
export type { CreatedCount, FakeReport, RepeatedPosition, Violation } from './fake-api/report.ts';
export type { DefaultRow, RowFilters } from './fake-api/lists/rows.ts';
export type {
  ChaosHandle,
  ChaosOptions,
  ScriptedAnswer,
  ScriptHandle,
  ScriptOptions,
  ScriptStep,
} from './faults/scripts.ts';
export type { FakeApiOptions } from './fake-api/server.ts';
export type { FakeApiProcess, FakeApiProcessOptions } from './process/start-process.ts';
export { startFakeApiProcess } from './process/start-process.ts';
export type { SimulateActionOptions, SimulatedAction } from './simulate/simulate-action.ts';
export { ActionStuck, simulateAction } from './simulate/simulate-action.ts';
export type { SimulateAnyOptions, SimulatedSync, SimulateOptions, Simulator } from './simulate/simulate-sync.ts';
export { simulateSync, SimulationStuck, startSimulator } from './simulate/simulate-sync.ts';
export type { TokenErrorChoice, TokenErrorName, TokenProblem } from './fake-api/oauth/token-errors.ts';
export { tokenErrors } from './fake-api/oauth/token-errors.ts';
