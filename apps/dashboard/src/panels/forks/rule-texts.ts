/** Rules to begin with. Each is whole: it can be tried as it stands. */
export interface RuleExample {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

export const RULE_EXAMPLES: readonly RuleExample[] = [
  {
    id: 'people',
    title: 'Slow near people',
    text: `id: slow_by_people
rate: situation
when: person.distance_m < 4.0 && robot.speed_mps > 0.3
effect:
  type: restrict
  restriction: {atMost: {speedMps: 0.3}, forbid: []}
rationale: a person is near
`,
  },
  {
    id: 'path',
    title: 'Slow where the way is short',
    text: `id: slow_when_blocked
rate: situation
when: path.free_m < 3.0
effect:
  type: restrict
  restriction: {atMost: {speedMps: 0.5}, forbid: []}
rationale: little room ahead
`,
  },
  {
    id: 'speed',
    title: 'A lower limit for everybody',
    text: `id: speed_limit
rate: situation
when: robot.speed_mps > 0.6
effect:
  type: restrict
  restriction: {atMost: {speedMps: 0.6}, forbid: []}
rationale: the site's limit
`,
  },
];

/** What a condition may read, for whoever writes one; the hub names them all when one is not known. */
export const READABLE =
  'person.distance_m, person.count, path.free_m, robot.speed_mps, robot.battery, robot.loaded, zone.ids, task.kind, plan.confidence, link.silent_s, violations.recent';
