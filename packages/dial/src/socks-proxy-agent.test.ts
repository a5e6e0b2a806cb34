import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { inspect } from 'node:util';
import { certificates, startSocksProxy, startTarget } from '@fairlead/lab';
import { SocksProxyAgent as StockAgent } from 'socks-proxy-agent';
import { expect, test } from 'vitest';
import { SocksProxyAgent } from './socks-proxy-agent.js';

const { ca } = certificates();

async function status(url: string, agent: SocksProxyAgent): Promise<number | undefined> {
  const request = url.startsWith('https:') ? httpsGet(url, { agent, ca }) : httpGet(url, { agent });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

test('one agent carries both schemes, and keeps their tunnels', async () => {
  const [proxy, plain, secure] = [
    await startSocksProxy(),
    await startTarget(),
    await startTarget({ certificate: 'good' }),
  ];
  const agent = new SocksProxyAgent(new URL(proxy.url), { keepAlive: true });
  expect(agent).toBeInstanceOf(StockAgent);
  for (const { url } of [plain, secure, plain, secure]) expect(await status(url, agent)).toBe(200);
  expect(proxy.connections.opened).toBe(2);
  agent.destroy();
  await proxy.idle();
  for (const server of [proxy, plain, secure]) await server.close();
});

test('a wrong password is told as what it is, and shown nowhere', async () => {
  const proxy = await startSocksProxy({ credentials: { user: 'someone', password: 'else' } });
  const agent = new SocksProxyAgent(`socks://canary:secret@127.0.0.1:${proxy.port}`);
  const error: unknown = await status('http://127.0.0.1:1/', agent).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'PROXY_AUTH', fault: 'endpoint' });
  expect(inspect({ agent, error }, { depth: 10, showHidden: true })).not.toMatch(/canary|secret/);
  await proxy.close();
});

test('what it cannot be is refused', () => {
  expect(() => new SocksProxyAgent('http://127.0.0.1:1')).toThrow('must be the URL of a SOCKS proxy');
  expect(() => new SocksProxyAgent('socks5://127.0.0.1:1', { socketOptions: { localAddress: '127.0.0.1' } })).toThrow(
    'is not supported',
  );
});
