import { once } from 'node:events';
import {
  Agent as HttpAgent,
  get as httpGet,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { certificates, startFault, startHttpProxy, startSocksProxy, startTarget, type LabServer } from '@fairlead/lab';
import { toEndpoint } from '@fairlead/core';
import { afterEach, expect, test } from 'vitest';
import { agentsFor, drainAgents, type AgentOptions } from './agents.js';
import { createAgentCache } from './agent-cache.js';
import { viaOf } from './carrier.js';
import { failureOf } from './failure.js';
import { noteOn } from './failure-notes.js';
import { leaseAgents, type Agents } from './lease-agents.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const server of open.splice(0).toReversed()) await server.close();
});

async function started<S extends { close(): unknown }>(server: Promise<S>): Promise<S> {
  const up = await server;
  open.push(up);
  return up;
}

const { ca } = certificates();

function agentsTo(url: string, options: AgentOptions = {}): Agents {
  const agents = agentsFor(toEndpoint(url, 'the test'), { ca, tls: { ca }, ...options });
  open.push({ close: () => [agents.http, agents.https].map((agent) => agent.destroy()) });
  return agents;
}

function ask(url: string, { http, https }: Agents, options: RequestOptions = {}): ClientRequest {
  return url.startsWith('https:')
    ? httpsGet(url, { agent: https, ...options })
    : httpGet(url, { agent: http, ...options });
}

async function answer(request: ClientRequest): Promise<IncomingMessage & { body: string }> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return Object.assign(response, { body: await text(response) });
}

async function failure(request: ClientRequest): Promise<Error & { code?: string }> {
  const [error] = (await once(request, 'error')) as [Error];
  return error;
}

async function connected(server: LabServer, count = 1): Promise<void> {
  while (server.connections.open < count) await new Promise(setImmediate);
}

const PROXIES = {
  http: () => startHttpProxy(),
  https: () => startHttpProxy({ certificate: 'good' }),
  socks4a: () => startSocksProxy({ scheme: 'socks4a' }),
  socks5h: () => startSocksProxy(),
};

test.each(Object.keys(PROXIES) as (keyof typeof PROXIES)[])(
  '%s: one tunnel carries request after request',
  async (kind) => {
    const proxy = await started<LabServer>(PROXIES[kind]());
    const [plain, secure] = [await started(startTarget()), await started(startTarget({ certificate: 'good' }))];
    const agents = agentsTo(proxy.url);
    for (const target of [plain, secure]) {
      for (let n = 0; n < 3; n += 1) expect((await answer(ask(target.url, agents))).statusCode).toBe(200);
      expect(target.connections.opened).toBe(1);
    }
  },
);

test.each(Object.keys(PROXIES) as (keyof typeof PROXIES)[])(
  "%s: a target's bad certificate is refused",
  async (kind) => {
    const proxy = await started<LabServer>(PROXIES[kind]());
    const agents = agentsTo(proxy.url);
    for (const certificate of ['expired', 'selfSigned', 'wrongName', 'foreign'] as const) {
      const target = await started(startTarget({ certificate }));
      await failure(ask(target.url, agents));
      expect(target.requests).toEqual([]);
    }
  },
);

test('two origins never share a tunnel', async () => {
  const proxy = await started(startSocksProxy());
  const [one, two] = [await started(startTarget()), await started(startTarget())];
  const agents = agentsTo(proxy.url);
  for (const path of ['/a', '/b', '/c']) {
    for (const target of [one, two]) await answer(ask(`${target.url}${path}`, agents));
  }
  for (const target of [one, two]) expect(target.requests.map(({ path }) => path)).toEqual(['/a', '/b', '/c']);
});

test('a request that trusts another authority gets a connection of its own', async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget({ certificate: 'good' }))];
  const agents = agentsTo(proxy.url, { tls: {} });
  const trusting = await answer(ask(target.url, agents, { ca } as RequestOptions));
  expect(trusting.statusCode).toBe(200);
  expect((await failure(ask(target.url, agents))).code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
});

test('TLS sessions are resumed on new tunnels', async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget({ certificate: 'good' }))];
  const agents = agentsTo(proxy.url, { keepAlive: false });
  for (let n = 0; n < 5; n += 1) await answer(ask(target.url, agents));
  expect(target.handshakes).toEqual({ full: 1, resumed: 4 });
});

test("a target's certificate is whole for whoever asks after the handshake", async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget({ certificate: 'good' }))];
  const request = ask(target.url, agentsTo(proxy.url));
  const response = await answer(request);
  const { issuerCertificate } = (request.socket as TLSSocket).getPeerCertificate(true);
  expect(response.statusCode).toBe(200);
  expect(issuerCertificate.subject).toEqual(issuerCertificate.issuer);
});

test("a name check of the caller's own sees the whole chain", async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget({ certificate: 'good' }))];
  const seen: unknown[] = [];
  const checkServerIdentity = (_: string, certificate: object) => void seen.push('issuerCertificate' in certificate);
  await answer(ask(target.url, agentsTo(proxy.url, { tls: { ca, checkServerIdentity } })));
  await answer(ask(target.url, agentsTo(proxy.url), { checkServerIdentity } as RequestOptions));
  expect(seen).toEqual([true, true]);
});

test('with maxSockets 8, 40 requests at once get 8 tunnels and 40 answers', async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget({ certificate: 'good' }))];
  const agents = agentsTo(proxy.url, { maxSockets: 8 });
  const answers = await Promise.all(Array.from({ length: 40 }, () => answer(ask(target.url, agents))));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 40 }, () => 200));
  expect(proxy.connections.opened).toBe(8);
});

test('with maxSockets 2, each of 10 requests hears of its own failed dial', async () => {
  const proxy = await started(startFault('http', 'status-503'));
  const agents = agentsTo(proxy.url, { maxSockets: 2 });
  const failures = await Promise.all(Array.from({ length: 10 }, () => failure(ask('http://127.0.0.1:1/', agents))));
  expect(failures.map(({ code }) => code)).toEqual(Array.from({ length: 10 }, () => 'PROXY_TUNNEL'));
  expect(proxy.connections.opened).toBe(10);
});

test('a queued request whose caller left is passed over', async () => {
  const [proxy, target] = [await started(startFault('http', 'silent-on-accept')), await started(startTarget())];
  const agents = agentsTo(proxy.url, { maxSockets: 1 });
  const [first, second, third] = [ask(target.url, agents), ask(target.url, agents), ask(target.url, agents)];
  const ends = [first, second, third].map(failure);
  await connected(proxy);
  second.destroy();
  first.destroy();
  while (proxy.connections.opened < 2) await new Promise(setImmediate);
  third.destroy();
  await Promise.all(ends);
  expect(proxy.connections.opened).toBe(2);
  await proxy.idle();
});

test('a request destroyed while it is dialled ends at once, with its own reason', async () => {
  const proxy = await started(startFault('http', 'silent-on-accept'));
  const request = ask('https://127.0.0.1:1/', agentsTo(proxy.url));
  const failed = failure(request);
  await connected(proxy);
  const reason = new Error('changed my mind');
  request.destroy(reason);
  expect(await failed).toBe(reason);
  await proxy.idle();
});

test.each([undefined, Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' })])(
  'how far an abandoned dial had come is known, whatever the reason: %s',
  async (reason) => {
    const proxy = await started(startFault('socks5', 'silent-after-greeting'));
    const request = ask('https://127.0.0.1:1/', agentsTo(proxy.url));
    const failed = failure(request);
    while (proxy.connections.bytesIn === 0) await new Promise(setImmediate);
    request.destroy(reason);
    // At once: libraries do not wait for the dial's own end.
    expect(noteOn(request)).toEqual({ phase: 'proxy-handshake', sent: 'nothing' });
    const seen = failureOf(await failed, 0);
    if (reason !== undefined) expect(seen).toMatchObject({ phase: 'proxy-handshake', sent: 'nothing' });
    await proxy.idle();
  },
);

test('an unknown option is refused, and the nearest one named', () => {
  const endpoint = toEndpoint('http://127.0.0.1:1', 'the test');
  expect(() => agentsFor(endpoint, { timeoutMS: 1 } as object)).toThrow("did you mean 'timeoutMs'?");
  expect(() => createAgentCache({ maxAgent: 1 } as object)).toThrow("did you mean 'maxAgents'?");
});

test('agent.destroy() ends what is being dialled', async () => {
  const proxy = await started(startFault('socks5', 'silent-after-greeting'));
  const agents = agentsTo(proxy.url);
  const failures = [failure(ask('https://127.0.0.1:1/', agents)), failure(ask('http://127.0.0.1:1/', agents))];
  await connected(proxy, 2);
  agents.http.destroy();
  agents.https.destroy();
  for (const failed of failures) expect(await failed).toMatchObject({ code: 'ABORTED' });
  await proxy.idle();
});

test('TLS options that Node throws at fail the request, and nothing else', async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget({ certificate: 'good' }))];
  const request = ask(target.url, agentsTo(proxy.url), { ciphers: 'no such cipher' } as RequestOptions);
  expect(await failure(request)).toBeInstanceOf(Error);
  await proxy.idle();
});

test('a drained pair lets requests finish and keeps no tunnel', async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget())];
  const agents = agentsTo(proxy.url);
  await answer(ask(target.url, agents));
  const running = ask(`${target.url}/slow`, agents);
  const [response] = (await once(running, 'response')) as [IncomingMessage];
  await answer(ask(target.url, agents));
  drainAgents(agents);
  while (proxy.connections.open > 1) await new Promise(setImmediate);
  await once(response, 'data');
  response.destroy();
  await proxy.idle();
});

test('an idle tunnel is closed after idleMs', async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget())];
  await answer(ask(target.url, agentsTo(proxy.url, { idleMs: 20 })));
  await proxy.idle();
});

test("a lease's deadline holds in place of the agents' own", async () => {
  const proxy = await started(startFault('http', 'silent-on-accept'));
  const agents = leaseAgents(agentsTo(proxy.url, { timeoutMs: 60_000 }), { timeoutMs: 20 });
  expect(await failure(ask('https://127.0.0.1:1/', agents))).toMatchObject({ code: 'PROXY_TIMEOUT' });
});

test("nothing of a request shows the proxy's credentials", async () => {
  const credentials = { user: 'canary', password: 'secret' };
  const [proxy, target] = [await started(startHttpProxy({ credentials })), await started(startTarget())];
  const request = ask(target.url, agentsTo(proxy.url));
  const response = await answer(request);
  const shown = inspect({ request, response }, { depth: 10, showHidden: true });
  for (const secret of ['canary', 'secret', Buffer.from('canary:secret').toString('base64')])
    expect(shown).not.toContain(secret);
});

test('a response knows that it came through a tunnel', async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget({ certificate: 'good' }))];
  expect(viaOf(await answer(ask(target.url, agentsTo(proxy.url))))).toBe('tunnel');
});

test.each(['http', 'socks5'] as const)(
  '%s: TLS to the target has a deadline of its own, and then leaves no socket',
  async (kind) => {
    const [proxy, target] = [await started(startFault(kind, 'silent-in-tunnel')), await started(startTarget())];
    const request = ask(target.url.replace('http:', 'https:'), agentsTo(proxy.url, { timeoutMs: 300 }));
    const error = await failure(request);
    expect(failureOf(error, 0)).toMatchObject({ code: 'ETIMEDOUT', phase: 'target-tls', sent: 'nothing' });
    await proxy.idle();
  },
);

test('the deadline of a lease holds for TLS too', async () => {
  const [proxy, target] = [await started(startFault('http', 'silent-in-tunnel')), await started(startTarget())];
  const agents = leaseAgents(agentsTo(proxy.url), { timeoutMs: 300 });
  expect(await failure(ask(target.url.replace('http:', 'https:'), agents))).toMatchObject({ code: 'ETIMEDOUT' });
});

test('once TLS stands the deadline is over', async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget({ certificate: 'good' }))];
  const request = ask(`${target.url}/slow?every=10`, agentsTo(proxy.url, { timeoutMs: 300 }));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let bytes = 0;
  for await (const chunk of response) if ((bytes += (chunk as Buffer).length) > 60) break;
  expect(bytes).toBeGreaterThan(60);
});

test("a lease's agents are Node's own in kind, and ending them ends nothing of others", async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget())];
  const shared = agentsTo(proxy.url);
  const leased = leaseAgents(shared, { session: 'a' });
  await answer(ask(target.url, leased));
  for (const { agent, kind } of [
    { agent: leased.http, kind: HttpAgent },
    { agent: leased.https, kind: HttpsAgent },
  ])
    expect(agent).toBeInstanceOf(kind);
  expect(Object.values(leased.http.freeSockets).flat()).toHaveLength(1);
  leased.http.destroy();
  await answer(ask(target.url, shared));
  expect(proxy.connections.opened).toBe(1);
});

test('https proxies that close before they answer do no harm to those that work', async () => {
  const target = await started(startTarget({ certificate: 'good' }));
  const asking = Array.from({ length: 16 }, async (_, n) => {
    const secure = { certificate: 'good' } as const;
    if (n % 2 === 0) {
      const working = await started(startHttpProxy(secure));
      return (await answer(ask(target.url, agentsTo(working.url)))).statusCode;
    }
    const closing = await started(startFault('http', 'close-after-request', secure));
    return (await failure(ask(target.url, agentsTo(closing.url)))).code;
  });
  const seen = await Promise.all(asking);
  expect(new Set(seen)).toEqual(new Set([200, 'PROXY_CLOSED']));
});
