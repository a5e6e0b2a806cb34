import { request } from 'node:http';
import { createPool, type Lease } from '@fairlead/core';

const [url = 'http://shop.example/', ...proxies] = process.argv.slice(2);
const pool = createPool({ proxies });
const once = ({ endpoint: { url: proxy }, signal }: Lease): Promise<{ status?: number; headers: object }> =>
  new Promise((answered, failed) => {
    const post = request({ host: proxy.host, port: proxy.port, path: url, method: 'POST', signal }, (answer) => {
      answer.resume().once('end', () => answered({ status: answer.statusCode ?? 0, headers: answer.headers }));
    });
    post.once('error', failed).end('one order');
  });
const { status } = await pool.run({ target: url, method: 'POST' }, once);
console.log(status, pool.stats().proxies);
await pool.close();
