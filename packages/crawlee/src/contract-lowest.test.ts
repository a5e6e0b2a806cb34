import { vi } from 'vitest';

// The adapter is the same; the Crawlee under it is the lowest that its peer range allows. Its crawler brings its own core.
vi.mock('@crawlee/core', () => import('@crawlee/cheerio-lowest'));
vi.mock('@crawlee/cheerio', () => import('@crawlee/cheerio-lowest'));
vi.mock('@crawlee/http', () => import('@crawlee/cheerio-lowest'));
await import('./crawlee-pool.test.js');
await import('./page-prices.test.js');
