import { get } from 'node:http';
import { createPool, type Lease } from '@fairlead/core';

const [url = 'http://shop.example/', ...proxies] = process.argv.slice(2);
const pool = createPool({ proxies });
const once = ({ endpoint: { url: proxy }, signal }: Lease): Promise<{ status?: number; headers: object }> =>
  new Promise((answered, failed) => {
    const request = get({ host: proxy.host, port: proxy.port, path: url, signal }, (answer) => {
      answer.resume().once('end', () => answered({ status: answer.statusCode ?? 0, headers: answer.headers }));
    });
    request.once('error', failed);
  });
const { status } = await pool.run({ target: url }, once);
console.log(status, pool.stats().proxies);
await pool.close();
