import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Pool } from '@fairlead/core';
import { adapterContract, type ContractClient, type ContractOptions, type ContractRequest } from '@fairlead/testkit';
import { interceptors, request, type Dispatcher } from 'undici';
import { createFetch, poolDispatcher, poolInfo } from './index.js';

const program = fileURLToPath(new URL('../test/exit.mjs', import.meta.url));

adapterContract({ name: 'createFetch', redirects: 'new-lease', hides407: true, program, makeClient: fetchClient });
adapterContract({ name: 'undici request', redirects: 'none', program, poolInfo, makeClient: requestClient });
adapterContract({
  name: 'undici request below its redirect interceptor',
  redirects: 'new-lease',
  program,
  poolInfo,
  makeClient: (pool, { ca, own }) => {
    const dispatcher = poolDispatcher(pool, { tls: { ca }, ...own });
    return clientOver(dispatcher.compose(interceptors.redirect({ maxRedirections: 5 })));
  },
});

function requestClient(pool: Pool, { ca, own }: ContractOptions): ContractClient {
  return clientOver(poolDispatcher(pool, { tls: { ca }, ...own }));
}

function clientOver(dispatcher: Dispatcher): ContractClient {
  const ask = async ({ url, timeoutMs, pool, method, ...rest }: ContractRequest) => {
    const timeout = timeoutMs === undefined ? {} : { headersTimeout: timeoutMs };
    const options = { ...rest, ...timeout, method: method ?? 'GET', pool, dispatcher };
    const subject = await request(url, options as Parameters<typeof request>[1] & object);
    return { subject, status: subject.statusCode, headers: subject.headers, body: subject.body };
  };
  return {
    stream: ask,
    send: async (asked) => {
      const answer = await ask(asked);
      return { ...answer, body: await answer.body.text() };
    },
  };
}

function fetchClient(pool: Pool, { ca, own }: ContractOptions): ContractClient {
  const fetch = createFetch(pool, { tls: { ca }, ...own });
  const ask = async ({ url, timeoutMs, signal, body, ...rest }: ContractRequest) => {
    const controller = new AbortController();
    const abort = (): void => controller.abort(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    const late = new DOMException('late', 'TimeoutError');
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => controller.abort(late), timeoutMs);
    const upload =
      body === undefined ? {} : { body: typeof body === 'string' ? body : Readable.toWeb(body), duplex: 'half' };
    const init = { ...rest, ...upload, signal: controller.signal };
    const subject = await fetch(url, init as Parameters<typeof fetch>[1] & object);
    clearTimeout(timer);
    const headers = Object.fromEntries(subject.headers);
    return { subject, status: subject.status, headers };
  };
  return {
    stream: async (asked) => {
      const answer = await ask(asked);
      return { ...answer, body: Readable.fromWeb(answer.subject.body as never) };
    },
    send: async (asked) => {
      const answer = await ask(asked);
      return { ...answer, body: await answer.subject.text() };
    },
  };
}
