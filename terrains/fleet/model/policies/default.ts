import type { PolicyText } from '../src/policy/policy.ts';

/** The rules a site starts with. People change a copy; the hash of whatever is in force stands in every decision. */
export const DEFAULT_POLICY: PolicyText = {
  version: '2026-1',
  rules: [
    {
      id: 'humanoid_loaded',
      rate: 'situation',
      when: "robot.body == 'humanoid' && robot.loaded",
      effect: { type: 'restrict', restriction: { atMost: { speedMps: 0.8 }, forbid: [] } },
      rationale:
        'a humanoid that carries a load walks at 0.8 m/s at most: its centre of mass is high and its view is covered',
    },
    {
      id: 'work_zone',
      rate: 'situation',
      when: 'zone.work',
      effect: { type: 'restrict', restriction: { atMost: { speedMps: 1.0 }, forbid: [] } },
      rationale: 'nobody drives faster than 1.0 m/s where people work',
    },
    {
      id: 'no_lift_when_low',
      rate: 'situation',
      when: 'robot.battery < 0.15',
      effect: { type: 'restrict', restriction: { atMost: {}, forbid: ['name:load'] } },
      rationale: 'below 15 % battery nothing new is lifted: it might have to be carried away by hand',
    },
    {
      id: 'people_around',
      rate: 'situation',
      when: 'person.count >= 3 && person.distance_m < 6.0',
      effect: { type: 'restrict', restriction: { atMost: { speedMps: 0.6 }, forbid: [] } },
      rationale: 'a group of people near by: drive slowly before separation monitoring has to',
    },
    {
      id: 'lost_way',
      rate: 'situation',
      when: 'robot.position_sigma_m > 0.25',
      effect: { type: 'restrict', restriction: { atMost: { speedMps: 0.4 }, forbid: ['name:dock'] } },
      rationale: 'a robot unsure of its place by more than 25 cm goes slowly and does not dock',
    },
    {
      id: 'link_quiet',
      rate: 'situation',
      when: "link.silent_s > 1.0 || chain == 'secondary'",
      effect: { type: 'restrict', restriction: { atMost: { speedMps: 0.6 }, forbid: [] } },
      rationale: 'without the hub nobody has granted right of way: at most 0.6 m/s',
    },
    {
      id: 'too_many_surprises',
      rate: 'situation',
      when: 'violations.recent >= 6.0',
      effect: { type: 'failsafe', action: 'ai_self_suspension' },
      rationale: 'six surprises in half a minute: whoever plans does not know this place',
    },
  ],
};
