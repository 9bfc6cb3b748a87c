import { lookClosely } from './look-closely.ts';
import { EMPTY, FAILING } from './scenes.ts';
import { emptyStage, fullStage } from './stages.ts';

const FEW_ROBOTS = 12;

lookClosely('every page that has nothing to show or has failed, dark and light', [
  { state: 'empty', scenes: EMPTY, open: emptyStage },
  { state: 'failing', scenes: FAILING, open: (dist) => fullStage(dist, FEW_ROBOTS) },
]);
