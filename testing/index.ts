/**
 * `sluice/testing`: a third party for tests, on loopback, that counts by itself what is done to it, and syncs run against
 * it on real servers. The third party imports node builtins only; the rest of Sluice is loaded when a simulation starts.
 * Start reading at `fake-api.ts` or `simulate-sync.ts`.
 */
export type { ActionHandle, ActionOptions, Created } from './actions.ts';
export type { FakeAnswer } from './answer.ts';
export type { BadHosts } from './bad-hosts.ts';
export { startBadHosts } from './bad-hosts.ts';
export type { BrokenList, BrokenListGuard, BrokenListPaging } from './broken-lists.ts';
export { brokenLists } from './broken-lists.ts';
export type { FakeCall } from './call.ts';
export type { Cassette, CassetteBody, CassetteExchange } from './cassette-file.ts';
export { readCassette } from './cassette-file.ts';
export type { Certificate, CertificateOptions } from './certificate.ts';
export { selfSignedCertificate } from './certificate.ts';
export type { FakeApi } from './fake-api.ts';
export { startFakeApi } from './fake-api.ts';
export type { FakeApiDescription, FakeApiModule } from './fake-api-process.ts';
export type { HostileKind } from './hostile.ts';
export { hostileKinds, runsRoute } from './hostile.ts';
export type { LimitKind, LimitNumbers } from './limit-counters.ts';
export type { LimitHeaders } from './limit-headers.ts';
export type { LimitHandle, LimitKey, LimitKeyPart, LimitOptions } from './limits.ts';
export type { ListOptions, PageParams, PageSizeOptions, ServedPage } from './lists.ts';
export type { AccountTokens, IssuedTokens, OAuthHandle, OAuthOptions } from './oauth.ts';
export type { OutageHandle, OutageKind, OutageOptions } from './outages.ts';
export type { PageFields, PageKind } from './page-answer.ts';
export type { PathFilter, PathParams } from './paths.ts';
export type { PlayedCassette, PlayOptions } from './play-cassette.ts';
export { playCassette } from './play-cassette.ts';
export type { CassetteRecorder, RecordOptions } from './record-cassette.ts';
export { recordCassette } from './record-cassette.ts';
export type { RedactOptions } from './redact.ts';
export type { CreatedCount, FakeReport, RepeatedPosition, Violation } from './report.ts';
export type { DefaultRow, RowFilters } from './rows.ts';
export type { ChaosHandle, ChaosOptions, ScriptedAnswer, ScriptHandle, ScriptOptions, ScriptStep } from './scripts.ts';
export type { FakeApiOptions } from './server.ts';
export type { FakeApiProcess, FakeApiProcessOptions } from './start-process.ts';
export { startFakeApiProcess } from './start-process.ts';
export type { SimulatedSync, SimulateOptions, Simulator } from './simulate-sync.ts';
export { simulateSync, SimulationStuck, startSimulator } from './simulate-sync.ts';
export type { TokenErrorChoice, TokenErrorName, TokenProblem } from './token-errors.ts';
export { tokenErrors } from './token-errors.ts';
