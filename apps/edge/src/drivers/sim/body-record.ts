import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { SealedBlock } from '@sigma/recorder';
import type { DriverRecord } from '../../hal/driver.ts';
import type { FromRecorder, ToRecorder } from '../../live/recorder-thread.ts';
import type { Bodies } from './bodies.ts';

const SEAL_STEPS = 25;
const STATE_STEPS = 1_000;
/** Bytes on their way to the disk beyond which the chain ends: a disk that does not answer must not cost memory. */
const MOST_UNSAVED_BYTES = 64 * 1024 * 1024;

/**
 * The chain of simulated bodies on its way from their thread to the recorder's, past the reflex loop. Nothing waits for
 * it: what bodies did is computed again from what they were told.
 */
export class BodyRecord {
  readonly #port: MessagePort;
  readonly #epochTimeUs: number;
  #unsaved: { readonly sequence: number; readonly bytes: number }[] = [];
  #unsavedBytes = 0;
  #lost = false;

  constructor({ port, epochTimeUs }: DriverRecord & { readonly port: MessagePort }) {
    this.#port = port;
    this.#epochTimeUs = epochTimeUs;
  }

  /** The bodies have come to the beginning of step `step`. */
  stepped(bodies: Bodies, step: number): void {
    if (step % SEAL_STEPS !== 0) return;
    this.#listen();
    if (this.#unsavedBytes > MOST_UNSAVED_BYTES) this.#lost = true;
    this.#seal(bodies, step, step % STATE_STEPS === 0);
  }

  end(bodies: Bodies, step: number): void {
    this.#seal(bodies, step, true);
    this.#port.postMessage(null satisfies ToRecorder);
  }

  #seal(bodies: Bodies, step: number, withState: boolean): void {
    const block: SealedBlock | null = bodies.seal(withState, this.#epochTimeUs + step * bodies.stepUs);
    // After a gap the chain could not be checked any more: it ends where the last stored block does.
    if (block === null || this.#lost) return;
    this.#unsaved.push({ sequence: block.firstSequence + block.count - 1, bytes: block.bytes.length });
    this.#unsavedBytes += block.bytes.length;
    this.#port.postMessage([block] satisfies ToRecorder);
  }

  #listen(): void {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
      const message = next.message as FromRecorder;
      if (message.type === 'failed') this.#lost = true;
      if (message.type !== 'durable') continue;
      const [durable = 0] = message.sequences.values();
      while (this.#unsaved[0] !== undefined && this.#unsaved[0].sequence <= durable) {
        this.#unsavedBytes -= this.#unsaved[0].bytes;
        this.#unsaved.shift();
      }
    }
  }
}
