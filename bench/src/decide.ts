import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { centreXM, centreYM, fleetSupervisor, type Site, siteToJson } from '@sigma/fleet-model';
import { type Hub, type Supervisor, startHub } from '@sigma/hub';
import { MissionGoalSchema, MissionService, PatrolSchema, PointSchema } from '@sigma/proto';
import { planFleet } from '@sigma/sim';
import type { DecideSetup, DecideTimes } from './decide-worker.ts';
import { absolute, type BenchLine } from './line.ts';

const ROBOTS = 200;
const MOST_MS = 50;
const POINTS = 4;

/**
 * 200 robots at 10 Hz over real gRPC, their hub with its database and record: from the report that calls for a new
 * plan to the signed order whose plan names that report. The robots run in a thread of their own and check signatures.
 */
export async function benchDecide(site: Site, seconds: number): Promise<readonly BenchLine[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sigma-decide-'));
  const hub = await startHub({
    tenant: 'bench',
    dataDir,
    site: { json: JSON.stringify(siteToJson(site)), digest: site.digest },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
    port: 0,
    faults: [],
  });
  try {
    const robots = planFleet(site, ROBOTS, 1).map(({ id, body, cell }) => ({
      id,
      body,
      xM: centreXM(site, cell),
      yM: centreYM(site, cell),
    }));
    const setup: DecideSetup = { url: hub.url, joinToken: hub.joinToken, robots, seconds };
    const worker = new Worker(new URL('./decide-worker.ts', import.meta.url), { workerData: setup });
    const times = new Promise<DecideTimes>((resolve, reject) => {
      worker.on('error', reject);
      worker.on('message', (message: DecideTimes | 'linked') => {
        if (message === 'linked') sendMissions(hub, site).catch(reject);
        else resolve(message);
      });
    });
    const { p50Ms, p99Ms, count, frames, forged } = await times;
    await worker.terminate();
    const whole = count > 0 && forged === 0;
    const line = absolute('decide.p99', whole ? p99Ms : Number.POSITIVE_INFINITY, 'ms', '<=', MOST_MS);
    const shown = {
      ...line,
      peer: `p50 of ${count} plans, ${frames} frames sent`,
      peerValue: p50Ms,
      ratio: p99Ms / p50Ms,
    };
    return [shown];
  } finally {
    await hub.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** A patrol past four stations for every robot, so that each asks for plans all the time. */
async function sendMissions(hub: Hub, site: Site): Promise<void> {
  const { email, password } = hub.operator;
  const answer = await fetch(`${hub.url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: hub.url },
    body: JSON.stringify({ email, password }),
  });
  const token = answer.headers.get('set-auth-token') ?? '';
  const missions = createClient(MissionService, createGrpcTransport({ baseUrl: hub.url }));
  for (let i = 0; i < ROBOTS; i++) {
    const points = Array.from({ length: POINTS }, (_, k) => {
      const { cell } = site.stations[(i * 7 + k * 11) % site.stations.length] as Site['stations'][number];
      return create(PointSchema, { xM: centreXM(site, cell), yM: centreYM(site, cell) });
    });
    const goal = create(MissionGoalSchema, {
      goal: { case: 'patrol', value: create(PatrolSchema, { points, rounds: 50 }) },
    });
    await missions.createMission(
      { name: `patrol ${i}`, goal, priority: 1, idempotencyKey: '' },
      { headers: { authorization: `Bearer ${token}` } },
    );
  }
}
