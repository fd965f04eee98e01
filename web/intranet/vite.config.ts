import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [preact()],
  build: {
    target: 'es2023',
    // The policy of the pages allows no inline script, and every browser of this target preloads modules by itself.
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
});
