import { defineConfig, mergeConfig } from 'vite';
import base from './vite.config.ts';
import { fixtures } from './dev/fixtures.ts';

// `npm run dev` with made-up data, for working on looks without a server; nothing of it is built or tested.
export default mergeConfig(
  base,
  defineConfig({
    plugins: [fixtures()],
    server: { host: '127.0.0.1', port: 5173, strictPort: false, fs: { allow: ['..'] } },
  }),
);
