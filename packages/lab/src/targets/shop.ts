import { buffer } from 'node:stream/consumers';
import type { Exchange, Routes } from './routes.js';

export interface ShopOptions {
  /** Items on sale. @default 60 */
  readonly items?: number;
  /** Items on one page of the list. @default 10 */
  readonly perPage?: number;
}

/**
 * A small shop for `startTarget({ routes })`: a list in pages, items, a style sheet and a picture, and an account that is
 * open only to the address that logged in.
 */
export function shopRoutes({ items = 60, perPage = 10 }: ShopOptions = {}): Routes {
  const lastPage = Math.ceil(items / perPage);
  const shown = (page: number) => Math.min(perPage, items - (page - 1) * perPage);
  /** Who logged in, by cookie: the address is part of the login. */
  const accounts = new Map<string, string>();
  return {
    shop: (exchange) => {
      const page = Number(exchange.url.searchParams.get('page') ?? 1);
      const links = Array.from({ length: shown(page) }, (_, index) => itemLink((page - 1) * perPage + index + 1));
      const next = page < lastPage ? `<a class="next" href="/shop?page=${page + 1}">next</a>` : '';
      html(exchange, `Shop, page ${page}`, `<ul>${links.join('')}</ul>${next}`);
    },
    item: (exchange) => {
      const id = Number(exchange.url.pathname.split('/')[2]);
      html(exchange, `Item ${id}`, `<span class="price">${priceOf(id)}</span>`);
    },
    'shop.css': ({ response }) =>
      void response.writeHead(200, { 'Content-Type': 'text/css' }).end('h1 { color: teal }'),
    'shop.svg': ({ response }) =>
      void response
        .writeHead(200, { 'Content-Type': 'image/svg+xml' })
        .end('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle cx="4" cy="4" r="4"/></svg>'),
    login: async (exchange) => {
      const { request, response } = exchange;
      if (request.method !== 'POST') {
        html(exchange, 'Log in', '<form method="post"><input name="user"><button>Log in</button></form>');
        return;
      }
      const user = new URLSearchParams((await buffer(request)).toString()).get('user') ?? '';
      accounts.set(user, request.socket.remoteAddress ?? '');
      response.writeHead(303, { Location: '/account', 'Set-Cookie': `user=${user}; Path=/; HttpOnly` }).end();
    },
    account: (exchange) => {
      const { request, response } = exchange;
      const user = /\buser=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
      const from = request.socket.remoteAddress;
      if (accounts.get(user) !== from) response.writeHead(403).end('logged in from another address\n');
      else html(exchange, `Hello ${user}`, `<span class="exit">${from}</span>`);
    },
  };
}

function itemLink(id: number): string {
  return `<li><a class="item" href="/item/${id}">Item ${id}</a></li>`;
}

function priceOf(id: number): string {
  return (((id * 37) % 90) + 9.99).toFixed(2);
}

function html({ response }: Exchange, title: string, body: string): void {
  const head = `<title>${title}</title><link rel="stylesheet" href="/shop.css"><link rel="icon" href="/shop.svg">`;
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
  response.end(
    `<!doctype html><html><head>${head}</head><body><h1>${title}</h1><img src="/shop.svg">${body}</body></html>`,
  );
}
