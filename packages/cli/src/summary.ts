import type { Pool } from '@fairlead/core';
import type { Gateway, GatewayStats } from '@fairlead/gateway';

/** How things stand, in a line, with what has happened since the last one. */
export class Summary {
  readonly #name: string;
  readonly #pool: Pool;
  readonly #gateway: Gateway;
  #before: GatewayStats;

  constructor(name: string, pool: Pool, gateway: Gateway) {
    this.#name = name;
    this.#pool = pool;
    this.#gateway = gateway;
    this.#before = gateway.stats();
  }

  line(): string {
    const { proxies, rerouted, replayed, activeSessions: sessions } = this.#pool.stats();
    const now = this.#gateway.stats();
    const { total, failed, sent, received } = this.#before;
    this.#before = now;
    const megabytes = (now.sent - sent + now.received - received) / 1e6;
    return [
      `[${this.#name}] ${proxies.healthy} of ${proxies.total} proxies healthy, ${proxies.cooling} cooling`,
      `${now.total - total} requests, ${now.failed - failed} failed, ${megabytes.toFixed(1)} MB`,
      `${now.connections} clients, ${now.tunnels} tunnels, ${sessions} sessions`,
      `${rerouted} rerouted and ${replayed} replayed in all`,
    ].join(' | ');
  }
}
