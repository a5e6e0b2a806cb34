import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Pool } from '@fairlead/core';
import { adapterContract, type ContractClient, type ContractRequest } from '@fairlead/testkit';
import got, { type ExtendOptions, type OptionsInit, type Response } from 'got';
import { gotHooks, gotPool } from './index.js';

const program = fileURLToPath(new URL('../test/exit.mjs', import.meta.url));

for (const [name, extend] of Object.entries({ gotPool, gotHooks })) {
  adapterContract({
    name,
    redirects: 'same-lease',
    alone: true,
    program,
    makeClient: (pool: Pool, { ca, own }) => clientOver(extend(pool, { tls: { ca }, ...own })),
  });
}

function clientOver(extension: ExtendOptions): ContractClient {
  const client = got.extend({ throwHttpErrors: false }, extension);
  return {
    send: async (request) => {
      const subject = await client(request.url, toOptions(request));
      return { subject, status: subject.statusCode, headers: subject.headers, body: subject.body as string };
    },
    stream: async (request) => {
      const body = client.stream(request.url, toOptions(request));
      const [subject] = (await once(body, 'response')) as [Response];
      return { subject, status: subject.statusCode, headers: subject.headers, body: body as unknown as Readable };
    },
  };
}

function toOptions({ pool, timeoutMs, method, headers, body, signal }: ContractRequest): Omit<OptionsInit, 'isStream'> {
  return {
    ...(headers === undefined ? {} : { headers: { ...headers } }),
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
    method: (method ?? 'GET') as 'GET',
    timeout: timeoutMs === undefined ? {} : { request: timeoutMs },
    context: { pool },
  };
}
