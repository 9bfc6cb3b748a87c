import { actuatorStimulus } from '@sigma/fleet-world';
import { type Command, encodeState, type Percept, type Stimulus } from '@sigma/kernel';

/** A drive that is prolonged is told to the wheels again when what they know ends sooner than this. */
const RENEW_BEFORE_US = 200_000;

/** What stands at a body's actuators, as its world was told. */
interface Standing {
  readonly command: Command;
  readonly untilUs: number;
}

/** The line to one robot's actuators: says a command once, and again before it ends. */
export class ActuatorLine {
  readonly #robot: number;
  #command: Command | null = null;
  #said = '';
  #untilUs = 0;

  /** @param robot index of the robot in its world */
  constructor(robot: number) {
    this.#robot = robot;
  }

  /** Takes over from a line that said this at `atUs` last. */
  resume(said: Stimulus, atUs: number): void {
    this.#said = textOf(said);
    this.#untilUs = said.kind === 'percept' ? atUs + (said.values[3] ?? 0) * 1000 : 0;
  }

  /** What the actuators must be told at `atUs`, in counts; null when they hold it already. */
  say({ command, untilUs }: Standing, atUs: number): Stimulus | null {
    if (command === this.#command) return null;
    this.#command = command;
    const stimulus = actuatorStimulus(this.#robot, command, untilUs - atUs);
    const text = textOf(stimulus);
    const holds =
      stimulus.kind !== 'percept' || stimulus.channel !== 'drive' || this.#untilUs - atUs >= RENEW_BEFORE_US;
    if (text === this.#said && holds) return null;
    this.#said = text;
    this.#untilUs = untilUs;
    return stimulus;
  }
}

const textOf = (stimulus: Stimulus): string => (stimulus.kind === 'percept' ? wordOf(stimulus) : encodeState(stimulus));

/** What a set-point says, without the time it holds for. */
const wordOf = ({ channel, values: [a, b, c] }: Percept): string => `${channel} ${a},${b},${c}`;
