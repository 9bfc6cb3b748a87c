import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { sha256 } from '@sigma/recorder/sqlite';
import type { OpenDriver } from '../hal/driver.ts';
import { WATCHDOG_US } from '../hal/driver.ts';
import { Board } from './board.ts';
import { AgentClock, monotonicUs } from './clock.ts';
import type { FromPlanner, ToPlanner } from './planner-thread.ts';
import { threadPriority } from './priority.ts';
import type { FromRecorder, ToRecorder } from './recorder-thread.ts';
import { ReflexLoop } from './reflex-loop.ts';
import type { FromReflex, ReflexThreadData, ToReflex } from './reflex-messages.ts';
import { openTerrain } from './terrain.ts';

/** 100 Hz, on the grid of agent time. */
const TICK_US = 10_000;
/** After the grid: time for the frames of that instant to come in. */
const PHASE_US = 2_000;
const COUNTS_EVERY_US = 200_000;

const data = workerData as ReflexThreadData;
const { epochTimeUs, recorder, planner, link } = data;
const clock = new AgentClock(data.clock);
threadPriority('first');
const board = new Board(data.board);
const terrain = await openTerrain(data.terrain);
const { openDriver } = (await import(data.driver.module)) as { readonly openDriver: OpenDriver };
const driver = await openDriver({
  settings: data.driver.settings,
  agents: data.bodies.map(({ agent }) => ({ id: agent.id, config: agent.config })),
  clock: data.clock,
  doorbell: data.board,
  record: data.driverRecord,
});

/** The first tick. Agents begin there and not before: nobody has missed anything while the threads were starting. */
let tick = Math.ceil((clock.nowUs() - PHASE_US) / TICK_US) + 1;
const bodies = data.bodies.map((life) => ({ ...life, agent: { ...life.agent, atUs: tick * TICK_US } }));

let key: KeyObject | null = null;
const say = (message: FromReflex): void => link.postMessage(message);
const store = (blocks: ToRecorder): void => recorder.postMessage(blocks);
const factNames = terrain.facts?.facts.map(({ name }) => name) ?? [];
const loop = new ReflexLoop({
  terrain,
  driver,
  bodies,
  simulated: data.simulated,
  software: data.software,
  epochTimeUs,
  verify: (order, signature) => key !== null && signature.length === 64 && verify(null, order, key, signature),
  sha256,
  ports: {
    store,
    facts: (facts) => recorder.postMessage({ names: factNames, facts } satisfies ToRecorder),
    ask: (question) => planner.postMessage({ type: 'question', question } satisfies ToPlanner),
    uplink: (frames) => say({ type: 'uplink', frames }),
    committed: (us) => board.count('commit', us),
    wallUs: () => epochTimeUs + clock.nowUs(),
  },
});

/** SubjectPublicKeyInfo of an Ed25519 key (RFC 8410) up to the 32 bytes of the key itself. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

function hear(message: ToReflex, atUs: number): void {
  if (message.type !== 'key') loop.hear(message, atUs);
  else key = createPublicKey({ key: Buffer.concat([ED25519_SPKI, message.key]), format: 'der', type: 'spki' });
}

/** Takes in whatever the other threads have said. Costs nothing when they were silent. */
function listen(atUs: number): void {
  for (let next = receiveMessageOnPort(recorder); next !== undefined; next = receiveMessageOnPort(recorder)) {
    const message = next.message as FromRecorder;
    if (message.type === 'durable') loop.durable(message.sequences, atUs);
    else if (message.type === 'failed') {
      say({ type: 'failed', message: message.message });
      loop.recorderLost();
    }
  }
  for (let next = receiveMessageOnPort(link); next !== undefined; next = receiveMessageOnPort(link)) {
    hear(next.message as ToReflex, atUs);
  }
  for (let next = receiveMessageOnPort(planner); next !== undefined; next = receiveMessageOnPort(planner)) {
    loop.plan(next.message as FromPlanner);
  }
}

let plannerBeats = board.plannerBeats;
let lastTickUs = clock.nowUs();
let countsAtUs = 0;

function runTick(): void {
  const dueUs = tick * TICK_US + PHASE_US;
  const startedUs = clock.nowUs();
  board.count('lateness', clock.lasts(startedUs - dueUs));
  const pauseUs = startedUs - lastTickUs;
  lastTickUs = startedUs;
  if (pauseUs > WATCHDOG_US) {
    // No fault of any sensor: bodies braked by themselves, frames waited. It is put on record as what it was.
    board.stalled();
    loop.note('edge.reflex_stalled', { ms: Math.round(pauseUs / 1000) });
  }
  // After a stall the ticks that were missed stay missed: sensors and bodies are in the present.
  const behind = Math.floor((startedUs - dueUs) / TICK_US);
  const atUs = (tick + behind) * TICK_US;
  const beats = board.plannerBeats;
  if (beats !== plannerBeats) {
    // Once per beat, and not at every tick: each is a stimulus on record.
    plannerBeats = beats;
    loop.plannerBeat();
  }
  const frameUs = loop.tick(atUs);
  if (frameUs !== null) board.count('frameToWrite', clock.lasts(clock.nowUs() - frameUs));
  board.beat();
  tick += behind + 1;
  if (startedUs - countsAtUs < COUNTS_EVERY_US) return;
  countsAtUs = startedUs;
  say({ type: 'counts', counts: loop.counts() });
}

/** Drivers' own callbacks get their turn between two ticks, when the event loop comes round. */
function turn(): void {
  if (board.closing) {
    void end();
    return;
  }
  const blockMs = board.takeBlock();
  const blockedUntilUs = monotonicUs() + blockMs * 1000;
  while (monotonicUs() < blockedUntilUs);
  const rings = board.rings;
  listen(clock.nowUs());
  const waitUs = tick * TICK_US + PHASE_US - clock.nowUs();
  if (waitUs <= 0) runTick();
  else board.sleep(rings, clock.lasts(waitUs));
  setImmediate(turn);
}

async function end(): Promise<void> {
  store(loop.lastBlocks());
  store(null);
  await driver.close();
  say({ type: 'counts', counts: loop.counts() });
  say({ type: 'closed' });
  for (const port of [planner, link]) port.close();
}

say({ type: 'open', capabilities: new Map(data.bodies.map(({ agent }) => [agent.id, driver.capabilities(agent.id)])) });
turn();
