import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** `base: './'`: the built page works under any path a proxy gives it. */
export default defineConfig({
  base: './',
  plugins: [react()],
  build: {
    outDir: '../../../dist/apps/messenger/web',
    emptyOutDir: true,
    sourcemap: true,
    // The content security policy has no `data:` for scripts or styles.
    assetsInlineLimit: 0,
  },
  server: { proxy: { '/config.json': 'http://127.0.0.1:8000', '/session': 'http://127.0.0.1:8000' } },
})
