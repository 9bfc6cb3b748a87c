import type { FailsafeCatalogue } from '@sigma/kernel';
import type { FleetBelief } from '../belief/belief.ts';
import type { Ground } from '../ground.ts';
import { FLEET_ACTIONS } from './actions.ts';
import { fleetConditions } from './conditions.ts';

export const fleetFailsafe = (ground: Ground): FailsafeCatalogue<FleetBelief> => ({
  actions: FLEET_ACTIONS,
  conditions: fleetConditions(ground),
  hold: 'hold',
  mechanical: 'mechanical',
  deferLimitUs: 30_000_000,
});
