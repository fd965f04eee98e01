import { AppError } from '@sgp/shared/errors';

/** CONNACK 1 (MQTT 3.1.1 §3.2.2.3). */
const unacceptableProtocol = 1;

/** The refusal behind an error that ended a connection; null when nobody was refused (a cable was pulled). */
export function endOf(error: Error & { readonly errorCode?: unknown }): AppError | null {
  if (error instanceof AppError) return error;
  if (error.errorCode === unacceptableProtocol)
    return new AppError('MQTT_PACKET_MALFORMED', 'only MQTT 3.1 and 3.1.1 are spoken here');
  if (error.message === 'Invalid protocol')
    return new AppError('MQTT_PACKET_MALFORMED', 'the first packet, and only the first, must be CONNECT');
  return null;
}
