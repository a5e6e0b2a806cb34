import { defineConfig } from 'vitest/config';

const shared = {
  // Tests read the sources of every workspace, so that no build stands between an edit and its test.
  resolve: { conditions: ['fairlead:source'] },
  ssr: { resolve: { conditions: ['fairlead:source'] } },
};

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          // Nothing here is timed; this only ends what hangs, also on a machine that is busy with other things.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          include: ['packages/*/src/**/*.test.ts'],
          exclude: ['**/dist/**', '**/node_modules/**'],
        },
      },
      {
        ...shared,
        test: {
          name: 'house',
          include: ['test/house/**/*.test.ts'],
          exclude: ['**/dist/**', '**/node_modules/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'integration',
          include: ['test/*/**/*.test.ts'],
          exclude: ['test/house/**', '**/dist/**', '**/node_modules/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
