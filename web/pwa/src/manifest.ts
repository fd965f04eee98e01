import type { ManifestOptions } from 'vite-plugin-pwa';

/** The address that the home screen opens; the query tells such a start from a visit of the start page. */
export const appStart = '/?app';

/** What a phone needs to keep the page as an app (W3C Web Application Manifest; PRODUCT §5). */
export const manifest: Partial<ManifestOptions> = {
  id: '/',
  name: 'SGP · Acompanhe seu pedido',
  short_name: 'Meu pedido',
  description: 'Veja em que etapa está o seu pedido, as fotos e a data de entrega.',
  lang: 'pt-BR',
  dir: 'ltr',
  start_url: appStart,
  scope: '/',
  display: 'standalone',
  orientation: 'any',
  theme_color: '#f4f6f5',
  background_color: '#f4f6f5',
  categories: ['shopping', 'business'],
  icons: [
    { src: '/icons/icon-192.png', sizes: '192x192', type: 'image/png', purpose: 'any' },
    { src: '/icons/icon-512.png', sizes: '512x512', type: 'image/png', purpose: 'any' },
    { src: '/icons/maskable-192.png', sizes: '192x192', type: 'image/png', purpose: 'maskable' },
    { src: '/icons/maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
  ],
  screenshots: [
    {
      src: '/screenshots/telefone.png',
      sizes: '720x1480',
      type: 'image/png',
      form_factor: 'narrow',
      label: 'O pedido no telefone',
    },
    {
      src: '/screenshots/computador.png',
      sizes: '1366x768',
      type: 'image/png',
      form_factor: 'wide',
      label: 'O pedido no computador',
    },
  ],
};
