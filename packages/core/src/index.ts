export { createPool, Pool, type LocalPool } from './pool/pool.js';
export { POOL_DEFAULTS, type LocalPoolOptions, type PoolOptions, type PoolUpdate } from './pool/options.js';
export type { PolicyOptions, TargetRule } from './policy/policy-options.js';
export { Lease, LeaseEndedError, type LeaseEnd } from './pool/lease.js';
export { notePoolInfo, poolInfo, type PoolInfo } from './pool/pool-info.js';
export { Run, type Decision } from './pool/run.js';
export { Tenancy, TENANCY_DEFAULTS, type TenancyOptions } from './pool/tenancy.js';
export type { Attempt, OutcomeError } from './pool/attempt-loop.js';
export { Job } from './pool/jobs.js';
export { createRouter, type Router } from './pool/router.js';
export { SUMMARY_DEFAULTS, summaryLine, summaryLog, type SummaryOptions } from './pool/summary-log.js';
export { prometheus } from './pool/prometheus.js';
export { attemptLog, type AttemptRecord } from './pool/attempt-log.js';
export type { EndpointExplanation, Explanation } from './pool/explain.js';
export type { LeaseRequest, PoolRequest } from './pool/request.js';
export type { PoolEvents, PoolListener } from './pool/events.js';
export type { EndpointStanding, EndpointStats, PoolStats, ProxyCounts, TargetStats, TaskCounts } from './pool/stats.js';
export type { Refusals, TrafficStats } from './pool/traffic-counter.js';
export type { LabelStats } from './pool/counters.js';
export type { ByteFlow } from './pool/byte-count.js';
export { SESSION_MAP_DEFAULTS, SessionMap, type SessionMapOptions } from './pool/session-map.js';
export {
  ENDPOINT_DEFAULTS,
  toEndpoint,
  type Endpoint,
  type EndpointId,
  type ProxyDefaults,
  type ProxyInput,
  type ProxyOptions,
  type ProxyRate,
} from './endpoint.js';
export {
  parseProxyUrl,
  PROXY_SCHEMES,
  ProxyUrl,
  type ProxyCredentials,
  type ProxyScheme,
  type ProxyUrlContext,
} from './proxy-url.js';
export { parseProxyList, type ProxyList } from './proxy-list.js';
export { parseProxyStatus, type ProxyStatus } from './policy/proxy-status.js';
export { compileTargetPattern, type TargetMatcher } from './policy/target-rules.js';
export type { TargetPolicy } from './policy/target-policy.js';
export { toTarget, type Target } from './target.js';
export type {
  AbandonedOutcome,
  FailureOutcome,
  Fault,
  HeaderView,
  Outcome,
  Phase,
  ResponseOutcome,
  Verdict,
} from './outcome.js';
export {
  ConfigurationError,
  FairleadError,
  PoolExhaustedError,
  TargetSuspendedError,
  type FairleadErrorCode,
} from './errors.js';
export {
  PRESET_NAMES,
  PRESETS,
  SEED_DEFAULTS,
  type Action,
  type BytePolicy,
  type CooldownPolicy,
  type HedgePolicy,
  type Policy,
  type PresetName,
  type RacePolicy,
  type RetryPolicy,
  type SuspensionPolicy,
} from './policy/presets.js';
export { checkKeys, duration as checkDuration, integerAtLeast as checkInteger, ownOptions } from './option-check.js';
export { systemClock, type Clock, type Instant } from './ports/clock.js';
export { systemRandom, type Random } from './ports/random.js';
export { SESSION_DEFAULTS, type SessionPolicy } from './policy/session.js';
export type { Ledger } from './ports/ledger.js';
export type { OpenedRecords, Records, RecordsContext, StoreReport } from './ports/records.js';
export type { EndpointRecord, SoftRecord } from './ports/soft-record.js';
export { softRecordOf } from './ports/soft-record-check.js';
export type {
  SharedAdmitRequest,
  SharedAdmitResult,
  SharedCandidate,
  SharedContext,
  SharedLedger,
  SharedPin,
} from './ports/shared-ledger.js';
export type { LocalStore, SharedStore, Store } from './ports/store.js';
export { memoryStore } from './stores/memory.js';
export type { Strategy } from './kernel/strategy.js';
export type { RankQuery } from './kernel/query.js';
export { ets } from './kernel/choose.js';
export { ETS_DEFAULTS, type EtsConstants } from './kernel/defaults.js';
export type { Row, RowSpec, Table } from './kernel/table.js';
export {
  affinityScore,
  best,
  fifo,
  leastUsed,
  p2c,
  priority,
  productScore,
  raceWidth,
  random,
  roundRobin,
  thompson,
  tiers,
  type TierOptions,
} from './strategies/index.js';
