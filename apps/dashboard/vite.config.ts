import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Packages of this house, none of which does anything by being imported: what the page does not call is left out. */
const HOUSE = /\/(?:kernel|swarm|proto|recorder)\/src\/|\/terrains\/[^/]+\/model\//;

/** The hub serves `dist` from its own origin; in development the Vite server stands before it. */
export default defineConfig({
  plugins: [react()],
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    sourcemap: false,
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    rolldownOptions: { treeshake: { moduleSideEffects: [{ test: HOUSE, sideEffects: false }] } },
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': { target: process.env.SIGMA_HUB ?? 'http://127.0.0.1:4600', changeOrigin: true },
      '/sigma.v1.': { target: process.env.SIGMA_HUB ?? 'http://127.0.0.1:4600', changeOrigin: true },
    },
  },
});
