import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { listenError } from '@sgp/service-kit/http-server';
import { limits } from '@sgp/shared/limits';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { Broker } from './broker.ts';
import { brokerLimits } from './broker-limits.ts';

export type Listener = AsyncDisposable & { readonly port: number };
type ListenOptions = { readonly host: string; readonly port: number };

/** `::ffff:192.0.2.1` is `192.0.2.1`. */
const plainAddress = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');

/**
 * MQTT over TCP.
 * @throws ConfigError in one plain sentence when the port is taken or not allowed
 */
export async function listenMqtt(broker: Pick<Broker, 'accept'>, { host, port }: ListenOptions): Promise<Listener> {
  const server = createServer({ noDelay: true }, (socket) =>
    broker.accept(socket, { remoteAddress: plainAddress(socket.remoteAddress), transport: 'tcp' }),
  );
  server.maxConnections = brokerLimits.connectionsMax;
  server.listen(port, host);
  await once(server, 'listening').catch((cause) => {
    throw listenError(cause, port);
  });
  return {
    port: (server.address() as AddressInfo).port,
    // Only the door is closed: those who are inside are the broker's, which is closed next.
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

/** MQTT over WebSocket, subprotocol `mqtt` (MQTT 3.1.1 §6), for clients in browsers. Same identities, same rules. */
export async function listenWebSocket(
  broker: Pick<Broker, 'accept'>,
  { host, port }: ListenOptions,
): Promise<Listener> {
  const http = createHttpServer({ maxHeaderSize: limits.requestHeadersMaxBytes }, (_, response) => {
    response.writeHead(426, { upgrade: 'websocket' }).end();
  });
  http.maxConnections = brokerLimits.connectionsMax;
  const sockets = new WebSocketServer({
    server: http,
    maxPayload: limits.mqttPacketMaxBytes,
    perMessageDeflate: false,
    handleProtocols: (protocols) => (protocols.has('mqtt') ? 'mqtt' : false),
  });
  sockets.on('connection', (socket, request) =>
    broker.accept(createWebSocketStream(socket), {
      remoteAddress: plainAddress(request.socket.remoteAddress),
      transport: 'websocket',
      request,
    }),
  );
  http.listen(port, host);
  await once(http, 'listening').catch((cause) => {
    throw listenError(cause, port);
  });
  return {
    port: (http.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      await new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      });
    },
  };
}
