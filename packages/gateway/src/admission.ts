import type { Access } from './access-log.js';
import type { Destination } from './destination.js';
import type { Client } from './doorman.js';
import type { PrivateNetworks } from './private-networks.js';
import { Refusal } from './refusal.js';

interface AdmissionParts {
  readonly networks: PrivateNetworks;
  readonly mayTunnelTo: (port: number) => boolean;
  readonly isDirect: (destination: Destination) => boolean;
}

/** What may be asked for here, by whom. */
export class Admission {
  readonly #networks: PrivateNetworks;
  readonly #mayTunnelTo: (port: number) => boolean;
  readonly #isDirect: (destination: Destination) => boolean;

  constructor({ networks, mayTunnelTo, isDirect }: AdmissionParts) {
    this.#networks = networks;
    this.#mayTunnelTo = mayTunnelTo;
    this.#isDirect = isDirect;
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
    if (url.href !== destination.url.origin + path || mayClimb(url.pathname)) throw denied();
    this.#reach(access, client, destination, url);
  }

  #reach(access: Access, client: Client, destination: Destination, url: URL): void {
    access.client = client;
    access.destination = destination;
    if (client.account?.mayReach(url) === false) throw denied();
    this.#networks.check(destination, this.#isDirect(destination));
  }
}

/** Some targets decode more of a path than a URL's own rules do, or cut it at a semicolon: that must not lead upwards. */
function mayClimb(path: string): boolean {
  return /[/\\;]\.\./.test(decoded(decoded(path)));
}

function decoded(path: string): string {
  return path.replaceAll(/%([2-7][\da-f])/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

function denied(): Refusal {
  return new Refusal(403, 'TARGET_REFUSED', 'this user may not reach that target');
}
