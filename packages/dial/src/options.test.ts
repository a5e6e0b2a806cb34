import { toEndpoint } from '@fairlead/core';
import { describe, expect, test } from 'vitest';
import { createAgentCache, reuseKey } from './agent-cache.js';
import { agentsFor } from './agents.js';
import { dial } from './dial.js';
import { leaseAgents } from './lease-agents.js';
import { createTraffic } from './traffic.js';
import { undiciConnector } from './undici-connector.js';

const endpoint = toEndpoint('http://127.0.0.1:1', 'the test');
const goal = { host: 'x.test', port: 443 };

/** Every way in for options, as code without types calls them. */
const ENTRANCES: Readonly<Record<string, (options: object) => unknown>> = {
  dial: (options) => dial(endpoint, { ...goal, ...options }),
  agentsFor: (options) => agentsFor(endpoint, options),
  createAgentCache: (options) => createAgentCache(options),
  'cache.lease': (options) => createAgentCache().lease(endpoint, options),
  leaseAgents: (options) => leaseAgents(agentsFor(endpoint), options),
  undiciConnector: (options) => undiciConnector(endpoint, options),
};

async function refusal(entrance: string, options: object): Promise<unknown> {
  try {
    await ENTRANCES[entrance]!(options);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe.each(Object.keys(ENTRANCES))('%s', (entrance) => {
  test.each([-1, Number.NaN, '300', null])('refuses a deadline of %j', async (timeoutMs) => {
    expect(await refusal(entrance, { timeoutMs })).toMatchObject({ code: 'INVALID_OPTION', item: 'timeoutMs' });
  });

  test('refuses an option that nobody reads, by the name of the nearest', async () => {
    const error = (await refusal(entrance, { timeout: 1 })) as Error;
    expect(error).toMatchObject({ code: 'UNKNOWN_OPTION' });
    expect(error.message).toContain("did you mean 'timeoutMs'?");
  });
});

test('createTraffic refuses an option that nobody reads, and a bound that is none', () => {
  expect(() => createTraffic({ maxKey: 1 } as object)).toThrow("did you mean 'maxKeys'?");
  expect(() => createTraffic({ maxKeys: Number.NaN })).toThrow('maxKeys');
});

test.each(['agentsFor', 'createAgentCache'])('%s refuses an idle time that is none', async (entrance) => {
  expect(await refusal(entrance, { idleMs: '60' })).toMatchObject({ code: 'INVALID_OPTION', item: 'idleMs' });
});

test.each(['sesion', '', null])('a reuse of %j is refused, and never shares a tunnel', async (reuse) => {
  const refused = { code: 'INVALID_OPTION', item: 'reuse' };
  expect(await refusal('createAgentCache', { reuse })).toMatchObject(refused);
  expect(await refusal('cache.lease', { reuse })).toMatchObject(refused);
  expect(() => reuseKey(endpoint, reuse as 'none', 'a')).toThrow('reuse');
});
