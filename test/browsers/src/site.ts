import { startTarget, type Exchange, type Routes, type Target, type TargetOptions } from '@fairlead/lab';

/**
 * A site whose every page brings along so many parts. What it serves names its visitor in the path: `/visit/7` is the page of
 * context 7 and `/part/7/3` its third part, so that each request tells whose it is.
 */
export function startSite(parts: number, options: TargetOptions = {}): Promise<Target> {
  return startTarget({ ...options, routes: { ...siteRoutes(parts), ...options.routes } });
}

function siteRoutes(parts: number): Routes {
  return {
    visit: (exchange) => {
      const visitor = segment(exchange, 2);
      const images = Array.from({ length: parts }, (_, part) => `<img src="/part/${visitor}/${part}">`).join('');
      html(
        exchange,
        `<title>${visitor}</title><h1>${visitor}</h1><a href="/save/${visitor}" download>save</a>${images}`,
      );
    },
    part: ({ response }) =>
      void response
        .writeHead(200, { 'Content-Type': 'image/svg+xml', 'Cache-Control': 'no-store' })
        .end('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'),
    save: (exchange) =>
      void exchange.response
        .writeHead(200, { 'Content-Type': 'text/plain', 'Content-Disposition': 'attachment; filename="saved.txt"' })
        .end(`saved for ${segment(exchange, 2)}`),
    /** Takes over its scope and answers its pages' `/cached/…` by a request of its own to `/part/…/from-worker`. */
    'worker.js': ({ response }) =>
      void response.writeHead(200, { 'Content-Type': 'text/javascript', 'Service-Worker-Allowed': '/' }).end(`
        self.addEventListener('install', () => self.skipWaiting());
        self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
        self.addEventListener('fetch', (event) => {
          const { pathname } = new URL(event.request.url);
          if (pathname.startsWith('/cached/')) event.respondWith(fetch('/part/' + pathname.split('/')[2] + '/from-worker'));
        });`),
  };
}

function segment({ url }: Exchange, index: number): string {
  return url.pathname.split('/')[index] ?? '';
}

function html({ response }: Exchange, body: string): void {
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
  response.end(`<!doctype html><html><head><link rel="icon" href="data:,"></head><body>${body}</body></html>`);
}
