import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { startTarget } from '../targets/target.js';
import { certificates } from './certificates.js';
import { hear } from './raw-client.js';

test('the good certificate holds for loopback by name and address, and for names under lab.test', async () => {
  const good = new X509Certificate(certificates().good.cert);
  for (const name of ['localhost', 'lab.test', 'any.lab.test']) expect(good.checkHost(name)).toBeDefined();
  for (const address of ['127.0.0.1', '::1']) expect(good.checkIP(address)).toBe(address);
  expect(good.checkHost('elsewhere.test')).toBeUndefined();
  expect(good.verify(new X509Certificate(certificates().ca).publicKey)).toBe(true);
});

test('certificates are made once', () => {
  expect(certificates()).toBe(certificates());
});

test('a session that the client brings along is resumed, and counted as such', async () => {
  const target = await startTarget({ certificate: 'good' });
  const options = { host: '127.0.0.1', port: target.port, ca: certificates().ca };
  const first = connect(options);
  let session: Buffer | undefined;
  first.on('session', (ticket) => (session = ticket));
  const say = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  await hear(first, say);
  await hear(connect({ ...options, ...(session && { session }) }), say);
  expect(target.handshakes).toEqual({ full: 1, resumed: 1 });
  await target.close();
});
