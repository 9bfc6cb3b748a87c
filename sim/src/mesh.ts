import { type RobotTruth, robotTruth, type World } from '@sigma/fleet-world';
import type { MessageStimulus, OutgoingMessage } from '@sigma/kernel';
import { VirtualNetwork } from './network.ts';

/** Radio between robots reaches this far, m. */
export const REACH_M = 8;

interface Heard {
  readonly to: string;
  readonly stimulus: MessageStimulus;
}

/**
 * Brokerless links between robots: whoever is in reach hears a broadcast, each over a line of his own. A failsafe
 * broadcast is passed on until everyone has it.
 */
export class VirtualMesh {
  readonly #network: VirtualNetwork<Heard>;
  /** Where everybody was when somebody last spoke: robots greet in the same instants. */
  #world: World | null = null;
  #truths: readonly RobotTruth[] = [];

  constructor(seed: number) {
    this.#network = new VirtualNetwork(seed);
  }

  /** @param from index of the robot that speaks */
  say(world: World, from: number, message: OutgoingMessage, atUs: number): void {
    const { robots } = world.layout;
    const truths = this.#truthsOf(world);
    const speaker = truths[from] as RobotTruth;
    const { topic, body, promise } = message;
    const stimulus: MessageStimulus = {
      kind: 'message',
      from: speaker.id,
      topic,
      body,
      ...(promise === undefined ? {} : { promise }),
    };
    for (let i = 0; i < robots.length; i++) {
      const { id } = robots[i] as (typeof robots)[number];
      if (i === from || (message.to !== '*' && message.to !== id)) continue;
      const { xM, yM } = truths[i] as RobotTruth;
      const dx = xM - speaker.xM;
      const dy = yM - speaker.yM;
      if (topic !== 'failsafe' && dx * dx + dy * dy > REACH_M * REACH_M) continue;
      this.#network.send(`${speaker.id}>${id}`, { to: id, stimulus }, atUs);
    }
  }

  #truthsOf(world: World): readonly RobotTruth[] {
    if (this.#world !== world) {
      this.#world = world;
      this.#truths = world.layout.robots.map((_, i) => robotTruth(world, i));
    }
    return this.#truths;
  }

  arrived(atUs: number): readonly Heard[] {
    return this.#network.arrived(atUs).map(({ packet }) => packet);
  }
}
