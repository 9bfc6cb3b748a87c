import type { Hub } from '../../live/hub.ts';

type Record = Pick<Hub['record'], 'locateMoment' | 'readStretches'>;

/** A life that is not the site's own recording: a fork, or what was recorded when that was by an earlier run. */
export interface OtherLife {
  readonly forkId: string;
  /** What was recorded, which the fork goes back to, instead of the fork. */
  readonly recorded: boolean;
}

const FORK = 'fork ';
const RECORDED = 'recorded ';

/** Name of a worker that computes that life instead of the site's own. */
export const workerNameOf = ({ forkId, recorded }: OtherLife): string => (recorded ? RECORDED : FORK) + forkId;

/** The life that a worker of this name is for; null for the site's own recording. */
export function lifeOfWorker(workerName: string): OtherLife | null {
  const recorded = workerName.startsWith(RECORDED);
  if (!recorded && !workerName.startsWith(FORK)) return null;
  return { forkId: workerName.slice((recorded ? RECORDED : FORK).length), recorded };
}

/** A fork with all that it shares, read as the site's recording is. */
export function forkRecord(forks: Hub['forks'], { forkId, recorded }: OtherLife): Record {
  return {
    locateMoment: async ({ timeUs = 0n }, options) => {
      const { chains, fromTimeUs, toTimeUs } = await forks.locateForkMoment({ forkId, timeUs, recorded }, options);
      return { $typeName: 'sigma.v1.LocateMomentResponse', chains, fromTimeUs, toTimeUs };
    },
    async *readStretches({ stretches = [] }, options) {
      for await (const { source, epoch, blocks } of forks.readForkStretches({ forkId, stretches, recorded }, options))
        yield { $typeName: 'sigma.v1.ReadStretchesResponse', source, epoch, blocks };
    },
  };
}

/** Later pieces of a life on a fork's timeline are told apart by epochs that no writer has. */
const PIECE_EPOCHS = 1_000_000;

/** The epoch under which a fork shows the piece of a life in which something was decided; the life's own where there is none. */
export async function pieceEpoch(
  record: Record,
  { agentId, epoch, timeUs }: { readonly agentId: string; readonly epoch: number; readonly timeUs: number },
): Promise<number> {
  const { chains } = await record.locateMoment({ timeUs: BigInt(Math.round(timeUs)) });
  const pieces = chains.filter((one) => one.source === agentId && one.epoch % PIECE_EPOCHS === epoch % PIECE_EPOCHS);
  return pieces.length === 0 ? epoch : Math.max(...pieces.map((one) => one.epoch));
}
