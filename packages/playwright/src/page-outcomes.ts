import type { Outcome, Phase } from '@fairlead/core';
import type { BrowserContext, Request, Response } from 'playwright-core';

/** Where outcomes go; false of `isOurs` is an answer that came from nowhere near the target. */
export interface OutcomeSink {
  readonly report: (outcome: Outcome, url: string) => void;
  readonly isOurs: (response: Response) => boolean;
}

/** Turns what the pages of a context were answered into outcomes. */
export function watchPages(context: BrowserContext, { report, isOurs }: OutcomeSink): void {
  context.on('response', (response) => {
    const request = response.request();
    if (response.fromServiceWorker() || !concernsThePage(request) || isOurs(response)) return;
    const headers = response.headers();
    report(
      {
        kind: 'response',
        status: response.status(),
        latencyMs: latencyOf(request),
        via: 'tunnel',
        headers: { get: (name) => (Object.hasOwn(headers, name) ? headers[name] : undefined) },
      },
      response.url(),
    );
  });
  context.on('requestfailed', (request) => {
    const code = request.failure()?.errorText ?? '';
    const phase = phaseOf(code);
    if (phase === undefined || !concernsThePage(request)) return;
    const elapsedMs = latencyOf(request);
    report({ kind: 'failure', phase, code, elapsedMs, sent: 'maybe', fault: 'unclear' }, request.url());
  });
}

/** What the browser alone can tell: bytes came through the tunnel and were not what they should be. The rest the gateway saw. */
function phaseOf(code: string): Phase | undefined {
  if (/ERR_(?:CERT|SSL|BAD_SSL)/.test(code)) return 'target-tls';
  return /ERR_(?:TIMED_OUT|INVALID_HTTP_RESPONSE|HTTP2_PROTOCOL_ERROR|CONTENT_DECODING_FAILED)/.test(code)
    ? 'response'
    : undefined;
}

/** A page's own answers, and those of its own host: what a third party refuses says nothing of the page's exit. */
function concernsThePage(request: Request): boolean {
  if (request.serviceWorker() !== null) return false;
  if (request.isNavigationRequest()) return request.frame().parentFrame() === null;
  return hostOf(request.url()) === hostOf(request.frame().page().url());
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}

/** Milliseconds from the request to the first byte of its answer. */
function latencyOf(request: Request): number {
  const { requestStart, responseStart } = request.timing();
  return Math.max(0, responseStart - Math.max(0, requestStart));
}
