import { CHANNELS, parseMovingAiMap, parseSiteFile, type Site } from '@sigma/fleet-model';
import type { Command, Params } from '@sigma/kernel';
import {
  type Collision,
  createWorld,
  type Frame,
  type Injection,
  type Outcomes,
  type RobotPlan,
  type RobotTruth,
  resolve,
  robotTruth,
  type World,
} from '../src/index.ts';

/** A site drawn by hand: `#` wall, `.` floor, `D` dock, `C` charger, `S` station. Ids are d1, d2, ..., c1, ..., s1, ... */
export function siteOf(rows: readonly string[], metresPerCell = 1): Site {
  const letters = rows.map((row) => row.replace(/[DCS]/g, '.').replace(/#/g, '@'));
  const text = `type octile\nheight ${rows.length}\nwidth ${rows[0]?.length}\nmap\n${letters.join('\n')}\n`;
  const places = (letter: string) => {
    const found: { id: string; cell: [number, number] }[] = [];
    rows.forEach((row, at) => {
      for (let column = 0; column < row.length; column++) {
        if (row.charAt(column) === letter) {
          found.push({ id: `${letter.toLowerCase()}${found.length + 1}`, cell: [column, at] });
        }
      }
    });
    return found;
  };
  const file = { metresPerCell, docks: places('D'), chargers: places('C'), stations: places('S') };
  return parseSiteFile(JSON.stringify(file), parseMovingAiMap(text, 'course'));
}

/** A walled hall with `width` by `height` cells of floor. */
export function hall(width: number, height: number): Site {
  const edge = '#'.repeat(width + 2);
  return siteOf([edge, ...Array.from({ length: height }, () => `#${'.'.repeat(width)}#`), edge]);
}

/** One-based cells of a hall's floor, as they stand in its drawing. */
export const cellOf = (site: Site, column: number, row: number): number => row * site.width + column;

export const drive = (speedMps: number, turnRadps = 0): Command => setPoint('drive', { speedMps, turnRadps });
export const hold: Command = { kind: 'setpoint', name: 'hold', params: {}, durationUs: 1_000_000 };
export const cutoff: Command = { kind: 'setpoint', name: 'cutoff', params: {}, durationUs: 1_000_000 };
export const stop = (category: number): Command => setPoint('stop', { category });
export const action = (name: string, params: Params = {}, id = name): Command => {
  return { kind: 'action', name, params, id, idempotencyKey: `key-${id}`, deadlineUs: 60_000_000 };
};

/** Long enough for every test that does not ask when a set-point ends. */
function setPoint(name: string, params: Params): Command {
  return { kind: 'setpoint', name, params, durationUs: 60_000_000 };
}

/** Values of one frame in SI units, by field. */
function read(frame: Frame): Record<string, number> {
  const channel = CHANNELS.find((c) => c.channel === frame.channel);
  if (channel === undefined) throw new Error(`no channel ${frame.channel}`);
  const values: Record<string, number> = {};
  channel.fields.forEach((field, k) => {
    values[field] = (frame.values[k] as number) * (channel.scale[k] as number);
  });
  return values;
}

/** A world under test and everything that came of it. */
export class Course {
  world: World;
  readonly results: Outcomes['results'][number][] = [];
  readonly collisions: Collision[] = [];
  readonly refused: Outcomes['refused'][number][] = [];
  /** Every frame of robot 0 so far, with its moment. */
  readonly frames: (Frame & { readonly atUs: number })[] = [];
  last: Outcomes | null = null;

  constructor(site: Site, robots: readonly RobotPlan[], options: { seed?: number; people?: number } = {}) {
    this.world = createWorld({ site, robots, seed: options.seed ?? 1, people: options.people ?? 0 });
  }

  /** One step; robots without an entry go on as before. */
  step(commands: Readonly<Record<number, Command>> = {}, injections: readonly Injection[] = []): Outcomes {
    const inputs = this.world.layout.robots.map((_, robot) => commands[robot] ?? null);
    const { world, outcomes } = resolve(this.world, { atUs: this.world.atUs, commands: inputs, injections });
    this.world = world;
    this.last = outcomes;
    this.results.push(...outcomes.results);
    this.collisions.push(...outcomes.collisions);
    this.refused.push(...outcomes.refused);
    for (const frame of outcomes.frames[0] ?? []) this.frames.push({ ...frame, atUs: world.atUs });
    return outcomes;
  }

  /** Gives robot 0 a command, then lets the time pass. */
  run(seconds: number, command?: Command, injections: readonly Injection[] = []): void {
    const steps = Math.round(seconds * 100);
    for (let k = 0; k < steps; k++) {
      if (k === 0) this.step(command === undefined ? {} : { 0: command }, injections);
      else this.step();
    }
  }

  /** Lets time pass until it is true, at most so long; throws when it never was. */
  until(isTrue: () => boolean, mostSeconds: number): void {
    for (let k = 0; k < mostSeconds * 100; k++) {
      if (isTrue()) return;
      this.step();
    }
    if (!isTrue()) throw new Error(`not within ${mostSeconds} s: ${isTrue}`);
  }

  get robot(): RobotTruth {
    return robotTruth(this.world, 0);
  }

  /** The newest frame of robot 0 on a channel, in SI units. */
  sees(channel: string): Record<string, number> {
    const frame = this.frames.findLast((f) => f.channel === channel);
    if (frame === undefined) throw new Error(`no ${channel} frame yet`);
    return read(frame);
  }
}
