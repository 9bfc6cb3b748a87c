import { encodeState } from '@sigma/kernel';
import { DEFAULT_POLICY } from '../policies/default.ts';
import { advance, drawnSite, goTo, HALL, Stage } from './stage.ts';

/** Ten seconds in which most of the model runs: a drive, a person, rules, an overload. As text, to compare engines by. */
export function engineStory(): string {
  const site = drawnSite(HALL, [{ id: 'w', name: 'packing', kind: 'work', cells: [85, 86, 87], speedMps: null }]);
  const stage = new Stage({ site, policy: DEFAULT_POLICY, start: { xM: 1.5, yM: 4.5, headingRad: 0.3 } });
  stage.assign(goTo(17.5, 4.5)).tick();
  stage.plan(advance([17.5, 4.5])).run(3);
  stage.person(9, 5.5, -0.6, -0.2);
  stage.run(4);
  stage.extraCurrentA = 40;
  stage.run(1);
  return `${encodeState(stage.agent)} ${stage.model.policy.hash} ${JSON.stringify(stage.events)}`;
}
