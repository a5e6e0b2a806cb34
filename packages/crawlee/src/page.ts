import type { ProxyInfo, Request } from '@crawlee/core';
import type { EndpointId, Outcome } from '@fairlead/core';
import type { TicketInfo, TicketRefusal } from '@fairlead/gateway';
import type { Tenant } from './tenant.js';

/** What `proxyInfo` carries beside Crawlee's own fields. The exit is known from the first connection on. */
export interface PoolProxyInfo extends ProxyInfo {
  readonly endpoint: EndpointId | undefined;
  readonly tags: readonly string[];
  readonly tier: number | undefined;
}

interface PageParts {
  readonly request: Request | undefined;
  readonly sessionId: string | undefined;
  readonly idempotent: boolean;
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** One attempt at a page. */
export class Page {
  readonly request: Request | undefined;
  readonly proxyInfo: PoolProxyInfo;
  readonly #tenant: Tenant;
  readonly #hosts = new Set<string>();
  readonly #saidIdempotent: boolean;
  #everyHost = false;
  #broke = false;
  #since = performance.now();
  #reported = false;
  #left = false;

  constructor(tenant: Tenant, gatewayUrl: string, { request, sessionId, idempotent }: PageParts) {
    this.#tenant = tenant;
    this.#saidIdempotent = idempotent;
    this.request = request;
    if (request !== undefined) this.#visit(request.url);
    this.proxyInfo = proxyInfoOf(tenant, gatewayUrl, sessionId);
    tenant.enter(this);
  }

  /** The exit it goes or went through; undefined before its first connection. */
  get exit(): TicketInfo | undefined {
    return this.#tenant.ticket.info ?? this.#tenant.ticket.last;
  }

  /** Its answer, or what was in its place, was told to the pool. */
  get reported(): boolean {
    return this.#reported;
  }

  /** Its answer was told, and then its body broke off. */
  get broke(): boolean {
    return this.#broke;
  }

  /** Sending it again does no harm. */
  get isRepeatable(): boolean {
    return IDEMPOTENT.has(this.request?.method ?? 'GET') || this.#saidIdempotent;
  }

  /** Not a byte came back for it. */
  get heardNothing(): boolean {
    return !this.#reported && (this.#tenant.ticket.heardAt ?? -Infinity) < this.#since;
  }

  /** Its exit was left for another, or by the pool. */
  get lostItsExit(): boolean {
    return this.#left || (this.#tenant.ticket.info === undefined && this.#tenant.ticket.last !== undefined);
  }

  get elapsedMs(): number {
    return performance.now() - this.#since;
  }

  /** It has waited for its turn, and little of its time is left for its exit, or none. */
  get wasWaiting(): boolean {
    const { openedAt = -Infinity } = this.#tenant.ticket;
    return openedAt < this.#since || openedAt - this.#since > this.elapsedMs / 2;
  }

  /** Its session may only use one exit, and that is gone. */
  get lostItsSession(): boolean {
    return this.#tenant.ticket.released || this.refusal?.code === 'SESSION_LOST';
  }

  get wasRefused(): boolean {
    return this.refusal !== undefined || this.lostItsSession;
  }

  /** Why the gateway refused it a connection, if it did. */
  get refusal(): TicketRefusal | undefined {
    return this.#tenant.refusalOf(this, this.#since);
  }

  /** A browser's page is on its way to this URL: its own, or that of a redirect. */
  navigate(url: string): void {
    this.#tenant.browses();
    this.#visit(url);
  }

  #visit(url: string): void {
    if (URL.canParse(url)) this.#hosts.add(new URL(url).host);
  }

  /** It goes to this host itself, by its URL or a redirect. */
  isBoundFor(host: string): boolean {
    return this.#hosts.has(host);
  }

  get visitsAll(): boolean {
    return this.#everyHost;
  }

  /** Whatever its client connects to is the page's: no browser with errands of its own. */
  visitAll(): void {
    this.#everyHost = true;
  }

  visits({ host }: URL): boolean {
    return this.#everyHost || this.#hosts.has(host);
  }

  /** The clock of its latency starts: what came before was Crawlee's own work. `handled`: somebody says when its handler is done. */
  start(handled: boolean): void {
    this.#since = performance.now();
    if (handled) this.#tenant.handles(this);
  }

  /** Tells what was seen. True: the pool leaves this exit because of it. */
  report(outcome: Outcome, url: string): boolean {
    this.#reported ||= outcome.kind === 'response';
    const left = this.#tenant.ticket.report(outcome, url);
    this.#left ||= left;
    return left;
  }

  /** Its body was read, or broke off. */
  read(broke: boolean): void {
    this.#broke = broke;
    this.end();
  }

  /** It needs its exit no more; its handler may. */
  end(): void {
    this.#tenant.leave(this);
  }

  /** Its handler is done, too. */
  done(): void {
    this.#tenant.done(this);
  }
}

function proxyInfoOf({ ticket }: Tenant, gatewayUrl: string, sessionId: string | undefined): PoolProxyInfo {
  const { hostname, port } = new URL(gatewayUrl);
  const exit = (): TicketInfo | undefined => ticket.info ?? ticket.last;
  return {
    ...(sessionId === undefined ? {} : { sessionId }),
    url: ticket.urlAt(gatewayUrl),
    username: ticket.username,
    password: ticket.password,
    hostname,
    port,
    get endpoint() {
      return exit()?.endpoint;
    },
    get tags() {
      return exit()?.tags ?? [];
    },
    get tier() {
      return exit()?.tier;
    },
  };
}
