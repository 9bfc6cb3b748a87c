import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { SimulationService } from '@sigma/proto';
import { agentNamed, callerOf, type Roles } from './context.ts';

const MOST_SECONDS = 3_600;

export function simulationQueries(roles: Roles): ServiceImpl<typeof SimulationService> {
  return {
    listFaults: () => ({ faults: [...(roles.faults ?? [])], simulated: roles.faults !== null }),
    injectFault: async ({ agentId, fault, clear, value, seconds }, context) => {
      if (roles.faults === null)
        throw new ConnectError('this fleet is real: faults exist only in simulation', Code.FailedPrecondition);
      agentNamed(roles, agentId);
      if (!roles.faults.includes(fault)) {
        throw new ConnectError(
          `there is no fault '${fault.slice(0, 63)}'; faults here: ${roles.faults.join(', ')}`,
          Code.InvalidArgument,
        );
      }
      if (!Number.isFinite(value) || seconds > MOST_SECONDS)
        throw new ConnectError(`value is finite, seconds at most ${MOST_SECONDS}`, Code.InvalidArgument);
      const forUs = BigInt(seconds) * 1_000_000n;
      return {
        receipt: await roles.gateway.ask(agentId, callerOf(context), {
          case: 'fault',
          value: { fault, clear, value, forUs },
        }),
      };
    },
  };
}
