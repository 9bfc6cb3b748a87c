import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import type { OrderReceipt, SimulationService } from '@sigma/proto';
import { SPEEDS, UnknownSpeedError } from '../roles/gateway/pace-desk.ts';
import { agentNamed, callerOf, type Roles } from './context.ts';

const MOST_SECONDS = 3_600;
const MOST_PERSON_SECONDS = 600;
const PERSON = 'person_at';

export function simulationQueries(roles: Roles): ServiceImpl<typeof SimulationService> {
  const needSimulation = (): readonly string[] => {
    if (roles.faults !== null) return roles.faults;
    throw new ConnectError('this fleet is real: faults exist only in simulation', Code.FailedPrecondition);
  };
  const noteFault = async (receipt: OrderReceipt, fault: string, clear: boolean, seconds: number, by: string) => {
    const { agentId, outcome } = receipt;
    if (outcome !== 'accepted' && outcome !== 'sent') return;
    if (clear) await roles.activeFaults.cleared(agentId, fault);
    else await roles.activeFaults.injected(agentId, fault, seconds, by);
  };
  return {
    listFaults: () => ({
      faults: [...(roles.faults ?? [])],
      simulated: roles.faults !== null,
      active: roles.activeFaults.list().map(({ agentId, fault, endsTimeUs, by }) => ({
        agentId,
        fault,
        endsTimeUs: BigInt(endsTimeUs),
        by,
      })),
      speed: speedOf(roles),
    }),
    setSpeed: async ({ speed }, context) => {
      needSimulation();
      if (roles.pace === null) {
        const words = 'the speed of this simulation cannot be set: its robots run in programs of their own';
        throw new ConnectError(`${words}; sigma up starts one that can`, Code.FailedPrecondition);
      }
      try {
        await roles.pace.set(speed, callerOf(context));
      } catch (error) {
        if (error instanceof UnknownSpeedError) throw new ConnectError(error.message, Code.InvalidArgument);
        throw error;
      }
      return { speed: speedOf(roles) };
    },
    injectFault: async ({ agentId, fault, clear, value, seconds }, context) => {
      const faults = needSimulation();
      agentNamed(roles, agentId);
      if (!faults.includes(fault)) {
        throw new ConnectError(
          `there is no fault '${fault.slice(0, 63)}'; faults here: ${faults.join(', ')}`,
          Code.InvalidArgument,
        );
      }
      if (!Number.isFinite(value) || seconds > MOST_SECONDS)
        throw new ConnectError(`value is finite, seconds at most ${MOST_SECONDS}`, Code.InvalidArgument);
      const forUs = BigInt(seconds) * 1_000_000n;
      const by = callerOf(context);
      const receipt = await roles.gateway.ask(agentId, by, { case: 'fault', value: { fault, clear, value, forUs } });
      await noteFault(receipt, fault, clear, seconds, by);
      return { receipt };
    },
    placePerson: async ({ xM, yM, seconds }, context: HandlerContext) => {
      needSimulation();
      if (!Number.isFinite(xM) || !Number.isFinite(yM))
        throw new ConnectError('a person stands at finite metres', Code.InvalidArgument);
      if (seconds < 1 || seconds > MOST_PERSON_SECONDS)
        throw new ConnectError(`a person stays 1 to ${MOST_PERSON_SECONDS} seconds`, Code.InvalidArgument);
      const agentId = nearest(roles, xM, yM);
      if (agentId === null)
        throw new ConnectError(
          'no robot of the simulation is linked that could place anybody',
          Code.FailedPrecondition,
        );
      const by = callerOf(context);
      const forUs = BigInt(seconds) * 1_000_000n;
      const value = { fault: PERSON, at: { xM, yM }, forUs };
      const receipt = await roles.gateway.ask(agentId, by, { case: 'fault', value });
      await noteFault(receipt, PERSON, false, seconds, by);
      return { receipt };
    },
  };
}

const speedOf = ({ pace }: Roles) => ({
  speed: pace?.speed ?? 1,
  speeds: pace === null ? [] : [...SPEEDS],
  aheadUs: BigInt(Math.floor(pace?.aheadUs ?? 0)),
});

/** The world is shared: any robot's driver can place a person in it. The nearest is the one that will see it first. */
function nearest(roles: Roles, xM: number, yM: number): string | null {
  let best: { readonly agentId: string; readonly away: number } | null = null;
  for (const { agentId, link, pose } of roles.fleet.agents.values()) {
    if (!link.linked || link.role === 'feed') continue;
    const away = pose === null ? Number.MAX_VALUE : Math.hypot(pose.xM - xM, pose.yM - yM);
    if (best === null || away < best.away) best = { agentId, away };
  }
  return best?.agentId ?? null;
}
