import type { ChannelSchema } from '@sigma/proto';
import type { Clock } from '../../clock.ts';
import type { LiveAgent, LiveFleet } from '../../live/live-fleet.ts';
import { peopleIn, TRACKS_CHANNEL } from '../../live/state-channel.ts';

/** Where everybody is at one moment: columns in the order of `agents`. Shared by all who watch: never changed. */
export interface Positions {
  readonly timeUs: number;
  readonly roster: number;
  readonly agentIds: readonly string[];
  readonly xM: number[];
  readonly yM: number[];
  readonly headingRad: number[];
  readonly speedMps: number[];
  readonly battery: number[];
  readonly ageMs: number[];
  readonly peopleM: number[];
}

/** Watchers who look within this time see the same moment. */
const SAME_MOMENT_US = 25_000;
const NO_POSE_AGE_MS = 4_294_967_295;
/** Sightings nearer to each other than this are one person. */
const SAME_PERSON_M = 0.6;
/** Tracks older than this show nobody any more. */
const PEOPLE_FRESH_US = 1_500_000;

/** A robot's hull and somewhat more: what others see this near to where it says it stands is the robot itself. */
const ROBOT_REACH_M = 0.7;
/** By so much it may have moved on for each second between its word and the sighting. */
const ROBOT_DRIFT_MPS = 0.5;
/** Side of the squares by which robots are looked up: no reach is longer. */
const ROBOT_SQUARE_M = 2;

/** Gathers positions once for everybody who watches. */
export class PositionDesk {
  readonly #fleet: LiveFleet;
  readonly #clock: Pick<Clock, 'nowUs'>;
  #agents: readonly LiveAgent[] = [];
  #agentIds: readonly string[] = [];
  #last: Positions | null = null;

  constructor(fleet: LiveFleet, clock: Pick<Clock, 'nowUs'>) {
    this.#fleet = fleet;
    this.#clock = clock;
  }

  now(): Positions {
    const timeUs = this.#clock.nowUs();
    const { roster } = this.#fleet;
    const last = this.#last;
    if (last !== null && last.roster === roster && timeUs - last.timeUs < SAME_MOMENT_US) return last;
    if (last?.roster !== roster) {
      this.#agents = [...this.#fleet.agents.values()].filter((agent) => agent.link.role !== 'feed');
      this.#agentIds = this.#agents.map((agent) => agent.agentId);
    }
    this.#last = this.#gather(timeUs, roster);
    return this.#last;
  }

  #gather(timeUs: number, roster: number): Positions {
    const agents = this.#agents;
    const column = (): number[] => new Array<number>(agents.length);
    const [xM, yM, headingRad, speedMps, battery, ageMs] = [column(), column(), column(), column(), column(), column()];
    for (let k = 0; k < agents.length; k++) {
      const { pose } = agents[k] as LiveAgent;
      xM[k] = pose?.xM ?? Number.NaN;
      yM[k] = pose?.yM ?? Number.NaN;
      headingRad[k] = pose?.headingRad ?? 0;
      speedMps[k] = pose?.speedMps ?? 0;
      battery[k] = pose?.battery ?? 0;
      const age = pose === null ? NO_POSE_AGE_MS : Math.max(0, Math.round((timeUs - pose.timeUs) / 1000));
      ageMs[k] = Math.min(NO_POSE_AGE_MS, age);
    }
    const peopleM = peopleSeen(agents, timeUs);
    return { timeUs, roster, agentIds: this.#agentIds, xM, yM, headingRad, speedMps, battery, ageMs, peopleM };
  }
}

/**
 * Everybody whom some robot sees, each once: x and y in turn, metres. A robot that has not heard of another one yet
 * takes it for a person, as it must; here, where all are known, it is not counted as one. What a robot sees itself
 * stays, however near: it does not see itself.
 */
function peopleSeen(agents: readonly LiveAgent[], nowUs: number): number[] {
  const people = new People();
  let robots: RobotPlaces | null = null;
  for (const agent of agents) {
    const frame = agent.frames.get(TRACKS_CHANNEL);
    const schema: ChannelSchema | undefined = agent.channels.get(TRACKS_CHANNEL);
    if (frame === undefined || schema === undefined || nowUs - Number(frame.timeUs) > PEOPLE_FRESH_US) continue;
    for (const [xM, yM] of peopleIn(frame, schema)) {
      robots ??= new RobotPlaces(agents, nowUs);
      if (!robots.hasOther(agent, xM, yM, Number(frame.timeUs))) people.add(xM, yM);
    }
  }
  return people.pointsM;
}

/** Where robots said lately that they are, by squares. */
class RobotPlaces {
  readonly #squares = new Map<number, LiveAgent[]>();

  constructor(agents: readonly LiveAgent[], nowUs: number) {
    for (const agent of agents) {
      const { pose } = agent;
      if (pose === null || nowUs - pose.timeUs > PEOPLE_FRESH_US) continue;
      const square = squareOf(Math.floor(pose.xM / ROBOT_SQUARE_M), Math.floor(pose.yM / ROBOT_SQUARE_M));
      const there = this.#squares.get(square);
      if (there === undefined) this.#squares.set(square, [agent]);
      else there.push(agent);
    }
  }

  /** Whether another robot than the one that looked stood there when it looked. */
  hasOther(looked: LiveAgent, xM: number, yM: number, atUs: number): boolean {
    const [column, row] = [Math.floor(xM / ROBOT_SQUARE_M), Math.floor(yM / ROBOT_SQUARE_M)];
    for (let c = column - 1; c <= column + 1; c++) {
      for (let r = row - 1; r <= row + 1; r++) {
        for (const { agentId, pose } of this.#squares.get(squareOf(c, r)) ?? []) {
          if (agentId === looked.agentId || pose === null) continue;
          const apartS = Math.abs(atUs - pose.timeUs) * 1e-6;
          const reachM = Math.min(ROBOT_SQUARE_M, ROBOT_REACH_M + ROBOT_DRIFT_MPS * apartS);
          if ((pose.xM - xM) ** 2 + (pose.yM - yM) ** 2 < reachM * reachM) return true;
        }
      }
    }
    return false;
  }
}

/** Distinct for a site of up to 600 km. */
const squareOf = (column: number, row: number): number => column * 1_048_576 + row;

/** People by squares as wide as one person's reach: whoever is already known stands in the same or the next square. */
class People {
  readonly pointsM: number[] = [];
  readonly #squares = new Map<number, number[]>();

  add(xM: number, yM: number): void {
    const column = Math.floor(xM / SAME_PERSON_M);
    const row = Math.floor(yM / SAME_PERSON_M);
    for (let c = column - 1; c <= column + 1; c++) {
      for (let r = row - 1; r <= row + 1; r++) if (this.#knows(squareOf(c, r), xM, yM)) return;
    }
    const square = this.#squares.get(squareOf(column, row));
    if (square === undefined) this.#squares.set(squareOf(column, row), [this.pointsM.length]);
    else square.push(this.pointsM.length);
    this.pointsM.push(xM, yM);
  }

  #knows(square: number, xM: number, yM: number): boolean {
    const found = this.#squares.get(square);
    if (found === undefined) return false;
    for (const at of found) {
      const dx = (this.pointsM[at] as number) - xM;
      const dy = (this.pointsM[at + 1] as number) - yM;
      if (dx * dx + dy * dy < SAME_PERSON_M * SAME_PERSON_M) return true;
    }
    return false;
  }
}
