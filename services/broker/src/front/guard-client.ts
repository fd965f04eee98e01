import { AppError } from '@sgp/shared/errors';
import { limits } from '@sgp/shared/limits';
import type { Packet } from 'mqtt-packet';
import type { AedesClient } from './aedes-client.ts';
import { packetFault } from './packet-rules.ts';

/**
 * Stands between the parser and aedes: a packet announced over the limit is refused before its bytes are gathered, what is
 * not valid MQTT 3.1.1 is refused before it has an effect, and `admit` may leave a packet out. A refusal cuts the
 * connection and reaches aedes' `clientError` as an AppError.
 */
export function guardClient(client: AedesClient, admit: (packet: Packet) => boolean): void {
  const parser = client._parser;
  readEverything(client);
  const parseLength = parser._parseLength;
  parser._parseLength = () => {
    if (!parseLength.call(parser)) return false;
    const sizeBytes = parser.packet.length;
    if (sizeBytes <= limits.mqttPacketMaxBytes) return true;
    parser._emitError(
      new AppError('MQTT_PAYLOAD_TOO_LARGE', 'a packet is announced that is over the limit', {
        details: { sizeBytes },
      }),
    );
    return false;
  };
  const emitError = parser._emitError;
  parser._emitError = (error) =>
    emitError.call(
      parser,
      error instanceof AppError ? error : new AppError('MQTT_PACKET_MALFORMED', error.message, { cause: error }),
    );
  const [enqueue] = parser.listeners('packet');
  if (!enqueue) throw new Error('aedes has changed: its parser has no listener');
  parser.removeAllListeners('packet');
  parser.on('packet', (packet) => {
    const fault = packetFault(packet);
    if (fault) parser._emitError(new AppError('MQTT_PACKET_MALFORMED', fault));
    else if (admit(packet)) enqueue.call(parser, packet);
  });
}

/**
 * Node 26 hands out one buffered chunk for each `read()`, where aedes expects all of them: a packet in several chunks would
 * wait for ever, and a packet that is done with at once would start the parser inside itself. Here the parser runs one
 * chunk after the other, and reads on while no packet is being handled.
 */
function readEverything(client: AedesClient): void {
  const parser = client._parser;
  const parse = parser.parse;
  const waiting: Buffer[] = [];
  let parsing = false;
  const next = (): Buffer | null => {
    if (client.closed) return null;
    const idle = client._parsingBatch === 0 && !client._paused;
    return waiting.shift() ?? (idle ? (client.conn.read() as Buffer | null) : null);
  };
  parser.parse = (first) => {
    if (parsing) {
      waiting.push(first);
      return;
    }
    parsing = true;
    for (let chunk: Buffer | null = first; chunk; chunk = next()) parse.call(parser, chunk);
    parsing = false;
  };
}
