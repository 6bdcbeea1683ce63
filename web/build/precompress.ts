import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

const compressible = /\.(html|js|css|svg|json|txt|webmanifest)$/;

/**
 * Writes a .gz and a .br beside every text file of the bundle, so that the server sends bytes as they lie. Neither carries a time
 * stamp: the same sources give the same bytes. It also keeps dist/.gitkeep, without which `go:embed all:dist` would not compile in a
 * fresh clone.
 */
export function precompress(): Plugin {
  let out = '';
  return {
    name: 'kanrin:precompress',
    apply: 'build',
    configResolved(config) {
      out = join(config.root, config.build.outDir);
    },
    async closeBundle() {
      await mkdir(out, { recursive: true });
      for (const entry of await readdir(out, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !compressible.test(entry.name)) continue;
        const file = join(entry.parentPath, entry.name);
        const data = await readFile(file);
        await writeFile(`${file}.gz`, gzipSync(data, { level: 9 }));
        await writeFile(
          `${file}.br`,
          brotliCompressSync(data, {
            params: {
              [constants.BROTLI_PARAM_QUALITY]: 11,
              [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
            },
          }),
        );
      }
      await writeFile(join(out, '.gitkeep'), '');
    },
  };
}
