import { fstatSync, writeSync } from 'node:fs';

/** One line of the event stream. */
export interface StreamEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export type EventStream = (event: StreamEvent) => void;

const SILENT: EventStream = () => undefined;

/**
 * The event stream for machines: JSON lines on the descriptor that was handed over. Unpassed, descriptor 3 belongs to
 * Node itself and is neither a file nor a pipe nor a socket; then nothing is written anywhere.
 *
 * A reader that goes away ends the stream and never the command.
 */
export function openEventStream(descriptor: number): EventStream {
  if (!handedOver(descriptor)) return SILENT;
  let open = true;
  return (event) => {
    if (!open) return;
    try {
      writeSync(descriptor, `${JSON.stringify(event)}\n`);
    } catch (error) {
      // A pipe that is full for the moment loses this line; one that has no reader any more loses the rest.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') open = false;
    }
  };
}

function handedOver(descriptor: number): boolean {
  try {
    const stat = fstatSync(descriptor);
    return stat.isFile() || stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}
