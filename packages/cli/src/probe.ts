import http from 'node:http';
import https from 'node:https';
import { parseProxyUrl, toEndpoint, type ProxyScheme, type ProxyUrl } from '@fairlead/core';
import { agentsFor, DialError, drainAgents } from '@fairlead/dial';
import type { Listed } from './proxy-file.js';

/** What became of one proxy of a list. */
export interface Probed {
  readonly proxy: string;
  readonly live: boolean;
  readonly protocol: ProxyScheme | undefined;
  /** Until the head of the target's answer. */
  readonly latencyMs: number | undefined;
  readonly status: number | undefined;
  readonly error: string | undefined;
}

export interface ProbeTerms {
  readonly target: URL;
  readonly timeoutMs: number;
  readonly ca?: string;
}

/** What an address without a scheme may speak, likeliest first. */
const GUESSES: readonly ProxyScheme[] = ['http', 'socks5h', 'socks4a'];

/** Asks the target through a proxy; one without a scheme is tried in each protocol. */
export async function probe({ url, bare }: Listed, terms: ProbeTerms): Promise<Probed> {
  let last: Probed | undefined;
  for (const scheme of bare ? GUESSES : [url.scheme]) {
    const candidate = withScheme(url, scheme);
    if (candidate === undefined) continue;
    const probed = await ask(candidate, terms);
    if (probed.live) return probed;
    // What refused the connection refuses it in every protocol; a proxy that asks for credentials has shown what it speaks.
    last ??= probed;
    if (probed.error === 'PROXY_CONNECT' || probed.error === 'PROXY_AUTH') return probed;
  }
  return last!;
}

function withScheme(url: ProxyUrl, scheme: ProxyScheme): ProxyUrl | undefined {
  if (url.scheme === scheme) return url;
  const { username, password } = url.credentials() ?? { username: '', password: '' };
  const login =
    username === '' && password === '' ? '' : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`;
  try {
    return parseProxyUrl(`${scheme}://${login}${url.authority}`);
  } catch {
    return undefined;
  }
}

function ask(url: ProxyUrl, { target, timeoutMs, ca }: ProbeTerms): Promise<Probed> {
  const endpoint = toEndpoint(url, 'proxy');
  const tls = ca === undefined ? {} : { tls: { ca } };
  const agents = agentsFor(endpoint, { timeoutMs, keepAlive: false, ...tls });
  const secure = target.protocol === 'https:';
  const since = performance.now();
  return new Promise((resolve) => {
    const end = (result: Pick<Probed, 'live' | 'status' | 'error'>): void => {
      clearTimeout(timer);
      request.destroy();
      drainAgents(agents);
      const { live } = result;
      const latencyMs = live ? Math.round(performance.now() - since) : undefined;
      resolve({ proxy: endpoint.id, protocol: live ? url.scheme : undefined, latencyMs, ...result });
    };
    const send = secure ? https.request : http.request;
    const request = send(target, { agent: secure ? agents.https : agents.http, method: 'GET' });
    const timer = setTimeout(() => end({ live: false, status: undefined, error: 'TIMEOUT' }), timeoutMs);
    request.once('response', ({ statusCode: status }) => {
      // A target that says anything at all was reached; what a proxy says in its stead is a gateway's error.
      const live = status !== 407 && status !== 502 && status !== 503 && status !== 504;
      end({ live, status, error: live ? undefined : `HTTP_${status}` });
    });
    request.once('error', (error) => end({ live: false, status: undefined, error: codeOf(error) }));
    request.end();
  });
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error instanceof DialError ? error.code : (error.code ?? 'ERROR');
}
