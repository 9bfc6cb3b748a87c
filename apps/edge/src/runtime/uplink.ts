import type { ConnectRequest } from '@sigma/proto';

/** How a frame is treated under overload: safety is never shed. Telemetry is shed first, oldest first. */
export const UPLINK_CLASSES = ['safety', 'decision', 'telemetry'] as const;
export type UplinkClass = (typeof UPLINK_CLASSES)[number];

/** A frame for the hub, such as `{ case: 'telemetry', value }`. */
export type UplinkFrame = Exclude<ConnectRequest['frame'], { case: undefined }>;

export interface Uplink {
  readonly class: UplinkClass;
  readonly frame: UplinkFrame;
}
