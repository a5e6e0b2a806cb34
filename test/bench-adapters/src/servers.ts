import { fork } from 'node:child_process';
import { once } from 'node:events';
import { certificates, startFault, startHttpProxy, startTarget } from '@fairlead/lab';

/** What one run is measured against: everything but the client lives in other processes. */
export interface Servers {
  readonly page: string;
  /** Proxies that work. */
  readonly good: readonly string[];
  /** A list of as many, of which three in ten are dead, hang or answer 502. */
  readonly mixed: readonly string[];
  readonly ca: string;
  stop(): void;
}

const PROXIES = 50;
const BROKEN = ['refuse-tcp', 'silent-on-accept', 'status-502'] as const;
const CREDENTIALS = { user: 'bench', password: 'secret' };

export async function startServers(): Promise<Servers> {
  const children = ['target', 'proxies'].map((role) => fork(new URL('./servers-child.js', import.meta.url), [role]));
  const greetings = children.map(async (child) => ((await once(child, 'message')) as [Greeting])[0]);
  const [target, proxies] = await Promise.all(greetings);
  if (target?.page === undefined || proxies === undefined) throw new Error('a server did not start');
  const { page, ca } = target;
  const { good, mixed } = proxies;
  return { page, ca, good, mixed, stop: () => children.forEach((child) => child.kill()) };
}

export interface Greeting {
  readonly page?: string;
  readonly ca: string;
  readonly good: readonly string[];
  readonly mixed: readonly string[];
}

/** In the child. */
export async function serve(role: string): Promise<Greeting> {
  if (role === 'target') {
    const { url } = await startTarget({ certificate: 'good', record: false });
    return { page: `${url}/bytes/1000`, ca: certificates().ca, good: [], mixed: [] };
  }
  const good = await urls(PROXIES, () => startHttpProxy({ credentials: CREDENTIALS }));
  const broken = await urls(PROXIES * 0.3, (index) => startFault('http', BROKEN[index % BROKEN.length]!));
  // Spread through the list, as they are in life.
  const mixed = good.map((url, index) => (index % 10 < 3 ? broken[Math.floor(index / 10) * 3 + (index % 10)]! : url));
  return { ca: '', good, mixed };
}

function urls(count: number, start: (index: number) => Promise<{ readonly url: string }>): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, async (_, index) => (await start(index)).url));
}
