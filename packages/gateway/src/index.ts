export { createGateway, Gateway, type GatewayHandle, type GatewayStats } from './gateway.js';
export { GATEWAY_DEFAULTS, type GatewayOptions, type ListenOptions } from './options.js';
export type { KeyOptions, UserOptions } from './accounts.js';
export type { AccessRecord, AccessTotals } from './access-log.js';
export type { DirectOptions } from './direct-rules.js';
export type { Resolve } from './private-networks.js';
export type { HoldingRequest, MoveListener } from './holding.js';
export { Ticket, type RefusalListener, type TicketInfo, type TicketRefusal, type TicketRequest } from './ticket.js';
export type { Tickets } from './ticket-book.js';
