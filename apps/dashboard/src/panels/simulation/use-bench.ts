import type { ActiveFault, SiteSpeed } from '@sigma/proto';
import { useCallback } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { type Asked, useAsked } from '../rows/use-asked.ts';

interface Bench {
  readonly faults: readonly string[];
  readonly simulated: boolean;
  readonly active: readonly ActiveFault[];
  readonly speed: SiteSpeed | undefined;
}

const ASK_EVERY_MS = 1_500;

/** The faults there are and those in force, asked for while the bench is open. */
export function useBench(): { readonly asked: Asked<Bench>; readonly again: () => void } {
  const { hub } = useMissionControl();
  const ask = useCallback(
    async (signal: AbortSignal): Promise<Bench> => {
      const { faults, simulated, active, speed } = await hub.simulation.listFaults({}, { signal });
      return { faults, simulated, active, speed };
    },
    [hub],
  );
  return useAsked(ask, ASK_EVERY_MS);
}
