// What a user writes: providers, endpoints, syncs. Imports contracts and zod only; pure, but for `fileFolder`. Start with define-provider.ts.
export type { AccountFacts } from '../contracts/account.ts';
export { defineProvider } from './define/define-provider.ts';
export type {
  Endpoint,
  EndpointOptions,
  JobPage,
  Provider,
  ProviderOptions,
  Timeouts,
} from './define/define-provider.ts';
export type { JobFacts, JobOptions, JobState } from './define/job-options.ts';
export { storedFile } from './files/file-format.ts';
export type { ExpectedFile, FileAbout, FileFormat, FileSink, StoredFile } from './files/file-format.ts';
export { fileFolder } from './files/file-folder.ts';
export type { JobResult } from '../contracts/job.ts';
export type { BodyFormat, CsvFormat, NdjsonFormat, XmlFormat } from '../contracts/answers/body-format.ts';
export { defineSync, DefinitionError } from './define/define-sync.ts';
export type { Node, Sync, SyncBuilder, SyncOptions } from './define/define-sync.ts';
export type { NodeOptions, StoreTransaction, UnitState } from './define/node-options.ts';
export type { CalendarSchedule, EverySchedule, Schedule, Schedules, Weekday } from './define/schedule-options.ts';
export { apiKey, basic, bearer, noAuth } from './auth/auth.ts';
export type { AppliedAuth, Auth, UnsignedRequest } from './auth/auth.ts';
export type { KeyPlace } from './auth/key-place.ts';
export { awsSigV4 } from './auth/aws-sig-v4.ts';
export type { AwsSigV4Options } from './auth/aws-sig-v4.ts';
export { hmac } from './auth/hmac.ts';
export type { HmacOptions } from './auth/hmac.ts';
export { jwt, serviceAccount } from './auth/jwt-auth.ts';
export type { JwtAuthOptions, ServiceAccountOptions } from './auth/jwt-auth.ts';
export { mtls } from './auth/mtls.ts';
export type { MtlsOptions } from './auth/mtls.ts';
export type { ClientCertificate } from '../contracts/secrets/client-certificate.ts';
export { oauth1 } from './auth/oauth1.ts';
export type { OAuth1Options } from './auth/oauth1.ts';
export { oauth2 } from './auth/oauth2.ts';
export type { AuthAddress, OAuth2Options } from './auth/oauth2.ts';
export type { AskedConsent, Authorize, AuthorizeOptions, CodeGrant } from './auth/authorize.ts';
export { cookies } from './auth/cookies.ts';
export { refreshable } from './auth/refresh.ts';
export { revocable } from './auth/revoke.ts';
export { jwtLifeMs } from '../contracts/secrets/token-life.ts';
export type { Refresh, RefreshableOptions, RefreshAnswer, RefreshFacts } from './auth/refresh.ts';
export { bucket, calendar, inflight, learned, numberAt, window } from './limits.ts';
export type { CallFacts, LimitDeclaration, PerCall, Scope, ToldQuota } from './limits.ts';
export { CallFailed } from './define/define-action.ts';
export type {
  Action,
  ActionContext,
  Conflicts,
  PerformActionOptions,
  PerformContext,
  RequestActionOptions,
} from './define/define-action.ts';
export { defineSaga } from './define/define-saga.ts';
export type { Saga, SagaFacts, SagaStepOptions } from './define/define-saga.ts';
export type { ConflictPolicy } from '../contracts/action.ts';
export type {
  AnswerFacts,
  CursorPages,
  GuardName,
  Guards,
  LinkPages,
  NumberedPages,
  PageRequest,
  PageSize,
  Paginate,
  SinglePage,
} from './pagination/options.ts';
export { nextLink } from './pagination/kinds/link-header.ts';
export type { Range } from '../contracts/list.ts';
export type { RangeOptions } from './pagination/range.ts';
export { days, del, get, hours, minutes, path, post, seconds, segments } from './request.ts';
export type { Segments } from './request.ts';
export {
  accept,
  anyOf,
  body,
  bodyCode,
  bodyField,
  capped,
  checkpointExpired,
  emptyList,
  endOfData,
  flawed,
  header,
  limited,
  not,
  permanent,
  refreshAuth,
  retry,
  rules,
  deadCursor,
  shrinkPage,
  skip,
  status,
  suspectAuth,
  unknownWrite,
  when,
} from './rules/rules.ts';
export { codeIsNot, errorField, graphqlErrors, okFalse, successFalse } from './rules/envelope-matches.ts';
export type { Classify, Decide, LimitedOptions, Match, Rule } from './rules/rules.ts';
export type { Answer, RequestSpec } from '../contracts/answers/answer.ts';
export type { Outcome } from '../contracts/answers/outcome.ts';
