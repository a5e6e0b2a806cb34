import { vi } from 'vitest';

// The adapter is the same; the got under it is the lowest that its peer range allows.
vi.mock('got', () => import('got-lowest'));
await import('./contract.test.js');
