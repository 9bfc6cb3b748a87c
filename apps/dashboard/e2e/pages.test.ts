import { lookClosely } from './look-closely.ts';
import { FULL } from './scenes.ts';
import { fullStage } from './stages.ts';

const FEW_ROBOTS = 12;

lookClosely('every page in the middle of a shift, dark and light', [
  { state: 'full', scenes: FULL, open: (dist) => fullStage(dist, FEW_ROBOTS) },
]);
