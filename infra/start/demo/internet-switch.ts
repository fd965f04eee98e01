import { once } from 'node:events';
import { createServer } from 'node:http';
import type { TcpProxy } from '../tcp-proxy.ts';

const page = (wire: TcpProxy): string => `<!doctype html>
<html lang="pt-BR"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Chave da Internet</title>
<link rel="stylesheet" href="/style.css"></head>
<body><main><h1>${wire.isCut ? 'Internet cortada' : 'Internet ligada'}</h1>
<p>${wire.isCut ? 'A loja segue sozinha. Nada se perde: as alterações ficam guardadas e vão para a nuvem quando a Internet voltar.' : 'A loja envia as alterações para a nuvem.'}</p>
<form method="post" action="/${wire.isCut ? 'heal' : 'cut'}"><button>${wire.isCut ? 'Ligar a Internet' : 'Cortar a Internet'}</button></form></main></body></html>`;

const style = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;min-height:100vh;place-items:center;background:light-dark(#f4f6f5,#101413);color:light-dark(#16201f,#e6ecea)}
main{max-width:26rem;padding:32px}h1{font-size:1.5rem;margin:0}button{font:inherit;font-weight:620;padding:12px 20px;border:0;border-radius:8px;background:light-dark(#0b6360,#137a74);color:#fff;cursor:pointer}`;

/** The demonstration's Internet switch: one page, one button, on this computer alone. */
export async function startInternetSwitch(
  wire: TcpProxy,
  port: number,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    response.setHeader(
      'content-security-policy',
      "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    );
    const fromElsewhere = !['same-origin', 'none', undefined].includes(
      request.headers['sec-fetch-site'] as string | undefined,
    );
    if (request.method === 'POST' && fromElsewhere) return response.writeHead(403).end();
    if (request.method === 'POST' && (request.url === '/cut' || request.url === '/heal')) {
      if (request.url === '/cut') wire.cut();
      else wire.heal();
      return response.writeHead(303, { location: '/' }).end();
    }
    if (request.url === '/style.css') return response.writeHead(200, { 'content-type': 'text/css' }).end(style);
    if (request.url !== '/') return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page(wire));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
