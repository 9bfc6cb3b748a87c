import type { Hub } from '../../live/hub.ts';

type Record = Pick<Hub['record'], 'locateMoment' | 'readStretches'>;

const PREFIX = 'fork ';

/** Name of a worker that computes the past of a fork instead of that of the site. */
export const forkWorkerName = (forkId: string): string => PREFIX + forkId;

/** The fork that a worker of this name is for; null for the site's own recording. */
export const forkOf = (workerName: string): string | null =>
  workerName.startsWith(PREFIX) ? workerName.slice(PREFIX.length) : null;

/** A fork with all that it shares, read as the site's recording is. */
export function forkRecord(forks: Hub['forks'], forkId: string): Record {
  return {
    locateMoment: async ({ timeUs = 0n }, options) => {
      const { chains, fromTimeUs, toTimeUs } = await forks.locateForkMoment({ forkId, timeUs }, options);
      return { $typeName: 'sigma.v1.LocateMomentResponse', chains, fromTimeUs, toTimeUs };
    },
    async *readStretches({ stretches = [] }, options) {
      for await (const { source, epoch, blocks } of forks.readForkStretches({ forkId, stretches }, options))
        yield { $typeName: 'sigma.v1.ReadStretchesResponse', source, epoch, blocks };
    },
  };
}
