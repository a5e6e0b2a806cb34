import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Pool } from '@fairlead/core';
import { adapterContract, type ContractClient, type ContractOptions, type ContractRequest } from '@fairlead/testkit';
import axios, { type AxiosInstance, type AxiosRequestConfig, type ResponseType } from 'axios';
import { withPool } from './attach-pool.js';

adapterContract({
  name: `axios ${axios.VERSION}`,
  redirects: 'same-lease',
  program: fileURLToPath(new URL('../test/exit.mjs', import.meta.url)),
  makeClient: (pool, options) => contractClient(axios.create({ validateStatus: null }), pool, options),
});

function contractClient(instance: AxiosInstance, pool: Pool, { ca, own }: ContractOptions): ContractClient {
  const http = withPool(instance, pool, { tls: { ca }, ...own });
  const ask = async <T>(request: ContractRequest, responseType: ResponseType) => {
    const subject = await http.request<T>(toConfig(request, responseType));
    return { subject, status: subject.status, headers: { ...subject.headers }, body: subject.data };
  };
  return {
    send: (request) => ask<string>(request, 'text'),
    stream: (request) => ask<Readable>(request, 'stream'),
  };
}

function toConfig({ body, timeoutMs, signal, headers, ...rest }: ContractRequest, responseType: ResponseType) {
  const config: AxiosRequestConfig = { ...rest, responseType, data: body, transformResponse: [] };
  if (headers !== undefined) config.headers = { ...headers };
  if (signal !== undefined) config.signal = signal;
  if (timeoutMs !== undefined) config.timeout = timeoutMs;
  return config;
}
