export { dial, DIAL_DEFAULTS, type DialOptions, type DialSettings } from './dial.js';
export { DialError, type DialErrorCode, type DialPhase } from './dial-error.js';
export { viaOf, type HasSocket } from './carrier.js';
export {
  createTraffic,
  type Bytes,
  type Flow,
  type FlowLabels,
  type Traffic,
  type TrafficOptions,
  type TrafficSnapshot,
} from './traffic.js';
export { agentsFor, AGENT_DEFAULTS, drainAgents, type AgentOptions } from './agents.js';
export { leaseAgents, type Agents, type LeaseTerms } from './lease-agents.js';
export { failureOf } from './failure.js';
