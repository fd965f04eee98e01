import type { ErrorCode } from '@sgp/shared/errors';
import type {
  CountMessage,
  EventMessage,
  Online,
  Refusal,
  ResultMessage,
  ScanMessage,
  StateMessage,
  TelemetryMessage,
} from '@sgp/shared/floor-messages';

/** A message of the floor whose content was checked. */
export type FloorMessage =
  | { readonly kind: 'state'; readonly body: StateMessage }
  | { readonly kind: 'telemetry'; readonly body: TelemetryMessage }
  | { readonly kind: 'count'; readonly body: CountMessage }
  | { readonly kind: 'event'; readonly body: EventMessage }
  | { readonly kind: 'scan'; readonly body: ScanMessage }
  | { readonly kind: 'result'; readonly body: ResultMessage };

/** What the bus delivered, read as far as it can be without knowing the machines. */
export type FloorEntry =
  | (FloorMessage & {
      readonly device: string;
      readonly receivedAt: number;
      readonly retained: boolean;
      readonly topic: string;
    })
  | {
      readonly kind: 'bad';
      /** Null when the topic names no device. */
      readonly device: string | null;
      readonly receivedAt: number;
      readonly topic: string;
      readonly code: ErrorCode;
      /** Plain English: what is wrong, for the person who connects the machine. */
      readonly detail: string;
      readonly excerpt: string;
      readonly sizeBytes: number;
    }
  | { readonly kind: 'online'; readonly device: string; readonly body: Online }
  | { readonly kind: 'refusal'; readonly body: Refusal }
  /** The end of a retained message (MQTT 3.1.1 §3.3.1.3) says nothing. */
  | { readonly kind: 'none' };
