import { createPool } from '@fairlead/core';
import { availability, startRealServer, startTarget, type RealServerName } from '@fairlead/lab';
import { describe, expect, test } from 'vitest';
import { clientsOver } from './clients.js';

const servers: readonly RealServerName[] = ['squid', 'tinyproxy', 'dante', 'microsocks'];

describe.each(servers)('through %s with a password', (name) => {
  const { available } = availability(name, { authenticated: true });
  test.skipIf(!available).each(['http', 'https'] as const)(
    'to an %s target, by axios, got and fetch',
    async (scheme) => {
      const server = await startRealServer(name, { authenticated: true });
      const target = await startTarget(scheme === 'https' ? { certificate: 'good' } : {});
      const pool = createPool({ proxies: [server.url] });
      try {
        for (const get of Object.values(clientsOver(pool))) {
          expect(await get(`${target.url}/bytes/1000`)).toMatchObject({ status: 200, body: '\0'.repeat(1000) });
        }
        expect(target.requests).toHaveLength(3);
        expect(target.requests.filter(({ headers }) => 'proxy-authorization' in headers)).toEqual([]);
        expect(pool.stats()).toMatchObject({ succeeded: 3, attempts: 3, inFlight: 0 });
      } finally {
        await Promise.all([pool.close(), server.stop(), target.close()]);
      }
    },
  );

  test.skipIf(!available)('a wrong password is the proxy’s fault', async () => {
    const server = await startRealServer(name, { authenticated: true });
    const target = await startTarget();
    const url = new URL(server.url);
    url.password = 'wrong';
    const pool = createPool({ proxies: [url.href] });
    const verdicts: string[] = [];
    pool.on('settled', ({ verdict }) => verdicts.push(verdict));
    try {
      const get = Object.values(clientsOver(pool))[0]!;
      await expect(get(target.url)).rejects.toMatchObject({ code: 'RETRIES_EXHAUSTED' });
      expect(verdicts).toEqual(['endpoint-fault']);
      expect(target.connections.opened).toBe(0);
    } finally {
      await Promise.all([pool.close(), server.stop(), target.close()]);
    }
  });
});
