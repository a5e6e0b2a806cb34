import type { Access } from './access-log.js';
import type { Destination } from './destination.js';
import type { Client } from './doorman.js';
import type { PrivateNetworks } from './private-networks.js';
import { Refusal } from './refusal.js';

/** What may be asked for here, by whom. */
export class Admission {
  readonly #networks: PrivateNetworks;
  readonly #mayTunnelTo: (port: number) => boolean;

  constructor(networks: PrivateNetworks, mayTunnelTo: (port: number) => boolean) {
    this.#networks = networks;
    this.#mayTunnelTo = mayTunnelTo;
  }

  tunnel(access: Access, client: Client, destination: Destination): void {
    this.#reach(access, client, destination, destination.url);
    if (!this.#mayTunnelTo(destination.port)) {
      throw new Refusal(403, 'PORT_REFUSED', `tunnels to port ${destination.port} are not allowed here`);
    }
  }

  /** A path is checked as it will be read: one that means another than it says is not passed on to who may not go there. */
  request(access: Access, client: Client, destination: Destination, path: string): void {
    const { account } = client;
    if (account?.isRestricted !== true) return this.#reach(access, client, destination, destination.url);
    const url = new URL(path, destination.url);
    if (url.host !== destination.url.host || url.pathname + url.search !== path) throw denied();
    this.#reach(access, client, destination, url);
  }

  #reach(access: Access, client: Client, destination: Destination, url: URL): void {
    access.client = client;
    access.destination = destination;
    if (client.account?.mayReach(url) === false) throw denied();
    this.#networks.check(destination);
  }
}

function denied(): Refusal {
  return new Refusal(403, 'TARGET_REFUSED', 'this user may not reach that target');
}
