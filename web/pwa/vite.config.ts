import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { manifest } from './src/manifest.ts';

export default defineConfig({
  plugins: [
    preact(),
    VitePWA({
      // A new version waits until the customer asks for it: the page never reloads by itself.
      registerType: 'prompt',
      injectRegister: false,
      strategies: 'injectManifest',
      srcDir: 'src',
      filename: 'sw.ts',
      manifest,
      // The shell only: the system that installs the app keeps its icons by itself.
      injectManifest: { globPatterns: ['**/*.{js,css,html,svg}'] },
      includeManifestIcons: false,
    }),
  ],
  build: {
    target: 'es2023',
    // The policy of the pages allows no inline script, and every browser of this target preloads modules by itself.
    modulePreload: { polyfill: false },
    // Nothing as data: address but what the policy allows, so that a file is a file.
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
});
