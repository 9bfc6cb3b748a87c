import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { SiteService } from '@sigma/proto';
import type { Roles } from '../context.ts';
import { ChangeLog } from './change-log.ts';
import { fenceQueries } from './fences.ts';
import { PositionDesk } from './positions.ts';
import { Watch } from './watch.ts';

const DEFAULT_RATE = 10;
const MOST_RATE = 20;
const MOST_FOLLOWED = 16;

export function siteQueries(roles: Roles): ServiceImpl<typeof SiteService> {
  const positions = new PositionDesk(roles.fleet, roles.clock);
  const log = new ChangeLog(roles);
  return {
    ...fenceQueries(roles),
    getSite: () => ({
      siteJson: roles.site.json,
      digest: roles.site.digest,
      simulated: roles.faults !== null,
      tenant: roles.tenant,
    }),
    async *watchSite({ rate, follow, allDecisions, resume }, context) {
      if (rate > MOST_RATE) throw new ConnectError(`rate is 1 to ${MOST_RATE} a second`, Code.InvalidArgument);
      if (follow.length > MOST_FOLLOWED)
        throw new ConnectError(`follow at most ${MOST_FOLLOWED} agents`, Code.InvalidArgument);
      const watch = new Watch(roles, positions, log, { follow: new Set(follow), allDecisions, resume });
      try {
        while (!context.signal.aborted) {
          yield watch.next();
          await pause(roles, 1_000_000 / (rate || DEFAULT_RATE), context.signal);
        }
      } finally {
        watch.end();
      }
    },
    getHealth: () => {
      const linked = [...roles.fleet.agents.values()].filter((agent) => agent.link.linked).length;
      return {
        version: roles.version,
        startedTimeUs: BigInt(roles.startedTimeUs),
        components: [...roles.health()],
        agents: roles.fleet.agents.size,
        agentsLinked: linked,
        decisionMsP50: roles.gateway.planTimes.at(0.5),
        decisionMsP99: roles.gateway.planTimes.at(0.99),
      };
    },
  };
}

function pause(roles: Roles, us: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const ended = (): void => {
      cancel();
      resolve();
    };
    const cancel = roles.clock.after(us, () => {
      signal.removeEventListener('abort', ended);
      resolve();
    });
    signal.addEventListener('abort', ended, { once: true });
  });
}
