import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Json } from '@sigma/kernel';
import { sha256 } from '@sigma/recorder/sqlite';
import type { DriverRecord } from '../../hal/driver.ts';
import { Board } from '../../live/board.ts';
import { AgentClock } from '../../live/clock.ts';
import { threadPriority } from '../../live/priority.ts';
import type { OpenBodies } from './bodies.ts';
import { BodyLoop, type FromBody, type ToBody } from './body-loop.ts';
import { BodyRecord } from './body-record.ts';
import { Pulse } from './pulse.ts';

/** What the thread of the simulated bodies is started with. */
export interface BodyThreadData {
  readonly module: string;
  readonly settings: Json;
  readonly agents: readonly { readonly id: string; readonly config: Json }[];
  /** Memory of the `AgentClock`. */
  readonly clock: SharedArrayBuffer;
  /** Rung when frames are out. */
  readonly doorbell: SharedArrayBuffer | null;
  /** Memory of the `Pulse`. */
  readonly pulse: SharedArrayBuffer;
  readonly port: MessagePort;
  /** The bodies' own chain; null: none is kept. */
  readonly record: (DriverRecord & { readonly port: MessagePort }) | null;
}

const data = workerData as BodyThreadData;
// The hardware that these bodies stand for has its own processors.
threadPriority('first');
const { agents, port } = data;
const clock = new AgentClock(data.clock);
const board = data.doorbell === null ? null : new Board(data.doorbell);
const pulse = new Pulse(data.pulse);
const record = data.record === null ? null : new BodyRecord(data.record);
const nowUs = (): number => clock.nowUs();
const { openBodies } = (await import(data.module)) as { readonly openBodies: OpenBodies };
const bodies = openBodies(data.settings, { agents, record: data.record, sha256, atUs: nowUs() });
const ids = agents.map(({ id }) => id);
const bodyLoop = new BodyLoop(ids, bodies, pulse, {
  nowUs,
  receive: () => (receiveMessageOnPort(port)?.message as ToBody | undefined) ?? null,
  say: (message) => {
    port.postMessage(message);
    board?.ring();
  },
  stepped: (step) => record?.stepped(bodies, step),
});
port.postMessage({
  type: 'open',
  capabilities: new Map(ids.map((id) => [id, bodies.capabilities(id)])),
} satisfies FromBody);

/** Sleeps to the next step, and comes round once in between. */
function loop(): void {
  if (pulse.closing) {
    record?.end(bodies, bodyLoop.step);
    for (const open of [port, data.record?.port]) open?.close();
    return;
  }
  pulse.sleep(clock.lasts(bodyLoop.run()));
  setImmediate(loop);
}
loop();
