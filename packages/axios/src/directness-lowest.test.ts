import { vi } from 'vitest';

// The adapter is the same; the axios under it is the lowest that its peer range allows.
vi.mock('axios', () => import('axios-lowest'));
await import('./directness.test.js');
