export type { Abortion } from './attempt.js';
export { dial, dialTunnel, DIAL_DEFAULTS, type DialOptions, type DialSettings } from './dial.js';
export type { ReachOptions } from './reach.js';
export { Inlet, type Sink } from './inlet.js';
export { DialError, type DialErrorCode, type DialFailure, type DialPhase } from './dial-error.js';
export { agentsFor, AGENT_DEFAULTS, drainAgents, type AgentOptions } from './agents.js';
export { leaseAgents, type Agents, type LeaseTerms } from './lease-agents.js';
export {
  AGENT_CACHE_DEFAULTS,
  AGENT_CACHE_OPTION_KEYS,
  checkCacheTerms,
  createAgentCache,
  reuseKey,
  sessionOf,
  type AgentCache,
  type AgentCacheOptions,
  type CachedLease,
  type LeasedAgents,
  type ReusePolicy,
} from './agent-cache.js';
export { SocksProxyAgent } from './socks-proxy-agent.js';
export { abortWhileDialling } from './undici-aborts.js';
export { StandInController } from './stand-in-controller.js';
export { undiciConnector, type UndiciConnectorOptions } from './undici-connector.js';
export { speaksFor } from './absolute-form.js';
export { AgentKeeper } from './agent-keeper.js';
export { answered, type Answer, type PlainHeaders } from './answer.js';
export {
  agentClient,
  checkClientOptions,
  CLIENT_DEFAULTS,
  CLIENT_OPTION_KEYS,
  directRefused,
  pastThePool,
  type AgentClient,
  type AgentClientOptions,
  type ClientOptions,
} from './client-options.js';
export { CallerSignal, type SignalLike } from './caller-signal.js';
export { PoolShares, type Kept, type Share } from './pool-share.js';
export { headersOf, withHeaders, type AttemptHeaders, type AttemptView } from './attempt-headers.js';
export { Exchange } from './exchange.js';
export { leaseRequestOf } from './lease-request.js';
export { failureOf, type Seen } from './failure.js';
export { isTunnelling, viaOf } from './carrier.js';
export { parseProxyStatus, type ProxyStatus } from '@fairlead/core';
export {
  createTraffic,
  type Bytes,
  type Flow,
  type FlowLabels,
  type Tracker,
  type Traffic,
  type TrafficOptions,
  type TrafficSnapshot,
} from './traffic.js';
export type { TargetTlsOptions } from './target-tls.js';
