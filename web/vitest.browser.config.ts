import { defineConfig } from 'vitest/config';

// The console in a real browser against a running server: KANRIN_URL and KANRIN_PASSWORD_FILE say which. One file after the other,
// because there is one cluster and one disruptive operation at a time.
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    globalSetup: ['test/browser/setup.ts'],
  },
});
