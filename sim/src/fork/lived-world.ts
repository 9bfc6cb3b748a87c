import { openWorld, robotOf, stepUnsensed, WORLD_MODEL, type World } from '@sigma/fleet-world';
import type { Stimulus } from '@sigma/kernel';
import { type Life, LifeReader, type LivedWake, type LostLife, type Opening } from '@sigma/recorder';

/** How far before a moment the world is read: an actuator that holds a drive is told again sooner than this. */
const LOOK_BACK_US = 10_000_000;

type Outcomes = ReturnType<typeof stepUnsensed>['outcomes'];

/** The computed world as it was: stepped by what was recorded, so that another one can be held against it. */
export class LivedWorld {
  readonly opening: Opening;
  readonly #reader: LifeReader;
  readonly #told = new Map<number, { readonly stimulus: Stimulus; readonly atUs: number }[]>();
  #world: World;
  #wake: LivedWake | null = null;
  #inputs: number;

  private constructor(reader: LifeReader) {
    this.#reader = reader;
    this.opening = reader.opening;
    this.#world = openWorld(reader.opening, reader.restored?.state ?? null);
    this.#inputs = reader.restored?.inputSequence ?? 0;
    this.#wake = reader.place;
  }

  /** The world of a timeline, or null where none was computed. */
  static lifeIn(lives: readonly Life[]): Life | null {
    return lives.findLast(({ opening }) => opening.model === WORLD_MODEL) ?? null;
  }

  /** Leads the world up to, and not into, the step at `fromUs`. @throws RangeError when it was not stepped there */
  static async at(life: Life, fromUs: number): Promise<LivedWorld> {
    const reader = await LifeReader.leadingUpTo(life, fromUs, Math.max(0, fromUs - LOOK_BACK_US));
    const world = new LivedWorld(reader);
    for (let atUs = world.aheadUs; atUs !== null && atUs < fromUs; atUs = world.aheadUs) world.step();
    if (world.wake === null) throw new RangeError(`the world was not stepped before ${fromUs} us`);
    return world;
  }

  get world(): World {
    return this.#world;
  }

  /** When the next step begins, by the time of the recording; null when that ends before it. Some may be missing. */
  get aheadUs(): number | null {
    for (const { atUs } of this.#reader.peek(Number.POSITIVE_INFINITY)) return atUs;
    return null;
  }

  /** The last step that was taken, with its place on record. */
  get wake(): LivedWake | null {
    return this.#wake;
  }

  /** Inputs given so far. */
  get inputs(): number {
    return this.#inputs;
  }

  /** What was dropped of it where it ends; null when it ends otherwise, or later. */
  lost(): Promise<LostLife | null> {
    return this.#reader.lost();
  }

  fill(untilUs: number): Promise<void> {
    return this.#reader.fill(untilUs);
  }

  /** What the next step was given; null when the recording ends before it. */
  ahead(): readonly Stimulus[] | null {
    for (const { inbox } of this.#reader.peek(Number.POSITIVE_INFINITY)) return inbox;
    return null;
  }

  /** One step as it was; null when the recording ends before it. */
  step(): Outcomes | null {
    const wake = this.#reader.next(Number.POSITIVE_INFINITY);
    if (wake === undefined) return null;
    this.#wake = wake;
    this.#inputs += wake.inbox.length;
    for (const stimulus of wake.inbox) {
      const robot = robotOf(stimulus);
      if (robot < 0) continue;
      const told = this.#told.get(robot);
      if (told === undefined) this.#told.set(robot, [{ stimulus, atUs: wake.atUs }]);
      else told.push({ stimulus, atUs: wake.atUs });
    }
    const { world, outcomes } = stepUnsensed(this.#world, wake.inbox);
    this.#world = world;
    return outcomes;
  }

  /** What a robot's actuators were told last before a moment, so far as it was read. */
  toldBefore(robot: number, atUs: number): { readonly stimulus: Stimulus; readonly atUs: number } | null {
    return this.#told.get(robot)?.findLast((one) => one.atUs < atUs) ?? null;
  }
}
