import { DEFAULT_POLICY, fleetModel, type Site, siteToJson } from '@sigma/fleet-model';
import { createAgent, type Json, type Stimulus, step } from '@sigma/kernel';
import { AgentJournal, ChainWriter, type Opening, openingEvent, type SealedBlock, type Sha256 } from '@sigma/recorder';

const EPOCH_TIME_US = 1_700_000_000_000_000;
const WAKE_US = 10_000;
const WAKES_A_BLOCK = 50;

/**
 * A real chain of a real robot: the kernel under the fleet model, woken a hundred times a second, stopped by an
 * operator and released again, journalled and sealed as an edge does it. `seconds` of its life.
 */
export function recordRobot(site: Site, sha256: Sha256, seconds: number): SealedBlock[] {
  const model = fleetModel({ site, policy: DEFAULT_POLICY });
  const [dock] = site.docks;
  if (dock === undefined) throw new Error('the test site has no dock');
  const start = {
    xM: (dock.cell % site.width) + 0.5,
    yM: site.height - Math.floor(dock.cell / site.width) - 0.5,
    headingRad: 0,
  };
  const config = { site: siteToJson(site), body: 'carrier', name: 'r01', start } as unknown as Json;
  const opening: Opening = {
    tenant: 'test',
    source: 'r01',
    epoch: 0,
    role: 'robot',
    model: model.name,
    modelVersion: model.version,
    config,
    seed: 7,
    flags: [],
    policyText: JSON.stringify(DEFAULT_POLICY),
    policyHash: model.policy.hash,
    previousEpochHash: new Uint8Array(),
    atUs: 0,
    timeUs: EPOCH_TIME_US,
    software: 'test',
  };
  const { tenant, source: id, epoch, role, seed, flags, atUs } = opening;
  let agent = createAgent(model, { id, tenant, role, seed, epoch, flags, config, atUs });
  const writer = new ChainWriter(opening, sha256);
  const journal = new AgentJournal({ agent: id, model, sha256, inputSequence: 0 });
  const blocks = [writer.seal([openingEvent(opening)])];
  for (let n = 1; n <= seconds * 100; n++) {
    const inbox = n % 100 === 0 ? [stopOrder(n)] : [];
    const { agent: next, outputs } = step(model, agent, inbox, n * WAKE_US);
    agent = next;
    journal.wake(n * WAKE_US, inbox, outputs);
    if (n % WAKES_A_BLOCK !== 0) continue;
    journal.snapshot(agent);
    blocks.push(writer.seal(journal.cut(EPOCH_TIME_US + n * WAKE_US)));
  }
  return blocks;
}

/** Every second the operator changes his mind. */
function stopOrder(n: number): Stimulus {
  const stop = n % 200 === 0 ? 'none' : 'normal';
  return {
    kind: 'order',
    issuer: 'operator:ada',
    sequence: n,
    expiresAtUs: n * WAKE_US + 1_000_000,
    order: { type: 'stop', stop, by: 'ada' },
  };
}
