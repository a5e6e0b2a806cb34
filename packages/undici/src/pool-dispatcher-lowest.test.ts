import { vi } from 'vitest';

// The adapter is the same; the undici under it is the lowest that its peer range allows.
vi.mock('undici', () => import('undici-lowest'));
await import('./pool-dispatcher.test.js');
