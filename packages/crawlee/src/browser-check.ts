import { CriticalError } from '@crawlee/core';

/** As much of a page as Playwright and Puppeteer agree on. */
interface BrowserPage {
  once(event: 'close', listener: () => void): unknown;
  on?(event: 'request', listener: (request: BrowserRequest) => void): unknown;
  mainFrame?(): unknown;
}

interface BrowserRequest {
  url(): string;
  isNavigationRequest(): boolean;
  frame(): unknown;
}

/** As much of a browser crawler's context as shows how its pages share a browser. */
interface BrowserContextParts {
  readonly page?: BrowserPage;
  readonly browserController?: {
    readonly launchContext?: {
      readonly useIncognitoPages?: boolean;
      readonly browserPerProxy?: boolean;
      readonly experimentalContainers?: boolean;
    };
  };
}

/**
 * Pages that share a browser share its proxy, which is that of the first: whatever `proxyInfo` says, all would leave by one
 * exit. That is refused.
 */
export function refuseSharedBrowser(context: object): void {
  const { launchContext } = (context as BrowserContextParts).browserController ?? {};
  if (launchContext === undefined) return;
  const { useIncognitoPages, browserPerProxy, experimentalContainers } = launchContext;
  if (useIncognitoPages === true || browserPerProxy === true || experimentalContainers === true) return;
  throw new CriticalError(
    'the pages of this crawler share one browser and so the proxy of its first page: set launchContext.useIncognitoPages ' +
      '(or launchContext.browserPerProxy) to true',
  );
}

/** Calls back when the page is closed; false where the crawler has no pages of a browser. */
export function whenClosed(context: object, done: () => void): boolean {
  const { page } = context as BrowserContextParts;
  if (typeof page?.once !== 'function') return false;
  page.once('close', done);
  return true;
}

/** Calls back with each URL that the page itself goes to, redirects and all; false where the crawler has no pages of a browser. */
export function whenNavigating(context: object, visit: (url: string) => void): boolean {
  const { page } = context as BrowserContextParts;
  if (typeof page?.once !== 'function') return false;
  page.on?.('request', (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame?.()) visit(request.url());
  });
  return true;
}
