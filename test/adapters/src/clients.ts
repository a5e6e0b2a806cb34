import { withPool } from '@fairlead/axios';
import type { Pool } from '@fairlead/core';
import { gotPool } from '@fairlead/got';
import { certificates } from '@fairlead/lab';
import { createFetch } from '@fairlead/undici';
import axios from 'axios';
import got from 'got';

export type Get = (url: string, session?: string) => Promise<{ readonly status: number; readonly body: string }>;

/** The three clients over one pool, asked the same way. */
export function clientsOver(pool: Pool): Readonly<Record<'axios' | 'got' | 'fetch', Get>> {
  const tls = { ca: certificates().ca };
  const http = withPool(axios.create({ responseType: 'text', transformResponse: [] }), pool, { tls });
  const client = got.extend(gotPool(pool, { tls }));
  const fetch = createFetch(pool, { tls });
  const terms = (session?: string) => (session === undefined ? {} : { session });
  return {
    axios: async (url, session) => {
      const { status, data } = await http.get<string>(url, { pool: terms(session) });
      return { status, body: data };
    },
    got: async (url, session) => {
      const { statusCode, body } = await client(url, { context: { pool: terms(session) } });
      return { status: statusCode, body };
    },
    fetch: async (url, session) => {
      const answer = await fetch(url, { pool: terms(session) });
      return { status: answer.status, body: await answer.text() };
    },
  };
}
