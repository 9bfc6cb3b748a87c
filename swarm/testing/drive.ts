import {
  DistanceFields,
  emptyTraffic,
  type Grant,
  grantMoves,
  hasEdge,
  type RoadGraph,
  type TrafficResult,
  type TrafficState,
} from '../src/index.ts';

/** A body on the roads: it knows only what it was last told. */
export type Body = {
  readonly id: string;
  cell: number;
  goal: number;
  /** Steps it takes for one cell. */
  readonly stepsPerCell: number;
  readonly horizon: number;
  halted: boolean;
  path: number[];
  after: string | null;
  /** Steps left of the present move, 0 when it stands. */
  left: number;
  /** It gave back what it was granted and says so in its next report. */
  released: boolean;
  arrivals: number;
  /** Steps since it last had something to celebrate, and the worst of these. */
  waited: number;
  longest: number;
};

export function newBody(id: string, cell: number, extra: Partial<Body> = {}): Body {
  return {
    id,
    cell,
    goal: -1,
    stepsPerCell: 1,
    horizon: 2,
    halted: false,
    path: [],
    after: null,
    left: 0,
    released: false,
    arrivals: 0,
    waited: 0,
    longest: 0,
    ...extra,
  };
}

/** The seeded world of the traffic tests: bodies of unequal speed that obey their grants, and a referee. */
export class Drive {
  readonly graph: RoadGraph;
  readonly fields: DistanceFields;
  readonly bodies: readonly Body[];
  state: TrafficState = emptyTraffic;
  last: TrafficResult = { state: emptyTraffic, grants: [], waits: [], problems: [] };
  steps = 0;
  readonly #byId: Map<string, Body>;
  readonly #convoy: boolean;

  constructor(graph: RoadGraph, bodies: readonly Body[], convoy = false) {
    this.#convoy = convoy;
    this.graph = graph;
    this.fields = new DistanceFields(graph);
    this.bodies = bodies;
    this.#byId = new Map(bodies.map((body) => [body.id, body]));
  }

  /** One step: ask for grants, move, check the law. `newGoal` is asked for every body at its goal. */
  step(newGoal: (body: Body) => number = (body) => body.goal): void {
    this.ask();
    this.move();
    this.settle(newGoal);
  }

  /** Checks the law after a move and hands out new goals. */
  settle(newGoal: (body: Body) => number): void {
    this.check();
    this.steps++;
    for (const body of this.bodies) {
      if (body.cell === body.goal && body.left === 0 && body.path.length === 0) {
        body.arrivals++;
        body.longest = Math.max(body.longest, body.waited);
        body.waited = 0;
        body.goal = newGoal(body);
      } else if (!body.halted) body.waited++;
    }
  }

  ask(): void {
    const reports = this.bodies.map((body) => ({
      id: body.id,
      cell: body.cell,
      to: body.left > 0 ? (body.path[0] as number) : -1,
      goal: body.goal,
      halted: body.halted,
      horizon: body.horizon,
      released: body.released,
    }));
    for (const body of this.bodies) body.released = false;
    this.last = grantMoves(this.graph, reports, this.state, { fields: this.fields, convoy: this.#convoy });
    this.state = this.last.state;
    for (const grant of this.last.grants) this.#tell(grant);
  }

  #tell(grant: Grant): void {
    const body = this.#byId.get(grant.agent) as Body;
    if (body.left > 0 && grant.path[0] !== body.path[0]) {
      if (this.#ahead(body) === undefined || grant.path.length > 0) {
        throw new Error(`${body.id} is moving to ${body.path[0]} and was told ${grant.path}`);
      }
      body.left = 0;
    }
    let at = body.cell;
    for (const cell of grant.path) {
      if (!hasEdge(this.graph, at, cell)) throw new Error(`${body.id} was led from ${at} to ${cell}: no such edge`);
      at = cell;
    }
    if (grant.path.length > Math.max(1, body.horizon)) throw new Error(`${body.id} holds more than its horizon`);
    body.path = [...grant.path];
    body.after = grant.after;
  }

  /** The body that has to leave the next cell of `body` first, if there is one. */
  #ahead(body: Body): Body | undefined {
    if (body.after === null || body.path.length !== 1) return undefined;
    const leader = this.#byId.get(body.after) as Body;
    return leader.cell === body.path[0] ? leader : undefined;
  }

  move(): void {
    const arriving = new Set<Body>();
    for (const body of this.bodies) {
      if (body.halted || body.path.length === 0) continue;
      if (body.left === 0) body.left = body.stepsPerCell + 1;
      body.left = Math.max(1, body.left - 1);
      if (body.left === 1) arriving.add(body);
    }
    for (let changed = true; changed; ) {
      changed = false;
      for (const body of arriving) {
        const ahead = this.#ahead(body);
        if (ahead === undefined || arriving.has(ahead)) continue;
        arriving.delete(body);
        changed = true;
      }
    }
    for (const body of arriving) {
      body.cell = body.path.shift() as number;
      body.left = 0;
      if (body.path.length === 0) body.after = null;
    }
  }

  /** No cell holds two bodies or two paths; a cell being left may be granted to one follower only. */
  check(): void {
    const stands = new Map<number, Body>();
    for (const body of this.bodies) {
      const other = stands.get(body.cell);
      if (other !== undefined) throw new Error(`step ${this.steps}: ${body.id} and ${other.id} in ${body.cell}`);
      stands.set(body.cell, body);
    }
    const held = new Map<number, Body>();
    for (const body of this.bodies) {
      body.path.forEach((cell, k) => {
        const other = held.get(cell);
        if (other !== undefined) throw new Error(`step ${this.steps}: ${body.id} and ${other.id} hold ${cell}`);
        held.set(cell, body);
        const there = stands.get(cell);
        if (there === undefined || there === body) return;
        if (k !== body.path.length - 1 || body.after !== there.id) {
          throw new Error(`step ${this.steps}: ${body.id} holds ${cell}, where ${there.id} stands`);
        }
        if (k === 0 && there.path[0] === body.cell)
          throw new Error(`step ${this.steps}: ${body.id} and ${there.id} swap`);
      });
    }
    if (this.last.problems.length > 0) throw new Error(`step ${this.steps}: ${JSON.stringify(this.last.problems)}`);
  }
}
