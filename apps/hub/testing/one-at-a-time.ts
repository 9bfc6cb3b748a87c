import type {
  MissionView,
  NewMission,
  PlannedTask,
  Supervisor,
  SupervisorFence,
  SupervisorInput,
  SupervisorOutput,
} from '../src/roles/core/supervisor.ts';

interface State {
  readonly agents: readonly string[];
  readonly missions: readonly MissionView[];
  readonly revision: number;
  readonly fences: readonly SupervisorFence[];
}

const taskOf = (mission: NewMission): PlannedTask => ({
  id: `${mission.id}.1`,
  missionId: mission.id,
  kind: mission.goal.kind,
  args: {},
  priority: mission.priority,
});

/** The least supervisor there can be: every mission goes to the first linked agent, every plan is one step. */
export const oneAtATime: Supervisor = {
  initial: (): State => ({ agents: [], missions: [], revision: 0, fences: [] }),
  supervise: (state, inputs) => {
    let now = state as State;
    const outputs: SupervisorOutput[] = [];
    for (const input of inputs) {
      const next = fold(now, input);
      now = next.state;
      outputs.push(...next.outputs);
    }
    return { state: now, outputs };
  },
  areaFault: (points) => (points.some(({ xM, yM }) => xM < 0 || yM < 0) ? 'a point lies outside the site' : null),
  preview: (state, mission) => {
    const agentId = [...(state as State).agents][0] ?? null;
    return {
      tasks: [{ task: taskOf(mission), agentId, status: 'waiting', progress: 0, detail: '', history: [] }],
      seconds: 12,
      detail: agentId === null ? 'nobody is free' : `${agentId} does it`,
    };
  },
};

function fold(state: State, input: SupervisorInput): { state: State; outputs: SupervisorOutput[] } {
  const agents = new Set(state.agents);
  const missions = new Map(state.missions.map((view) => [view.id, view]));
  const told = (view: MissionView, outputs: SupervisorOutput[] = []) => {
    missions.set(view.id, view);
    return {
      state: { ...state, missions: [...missions.values()] },
      outputs: [...outputs, { type: 'mission' as const, mission: view }],
    };
  };
  switch (input.type) {
    case 'agent':
      if (input.linked) agents.add(input.agentId);
      else agents.delete(input.agentId);
      return { state: { ...state, agents: [...agents] }, outputs: [] };
    case 'mission': {
      if (missions.has(input.mission.id)) return { state, outputs: [] };
      const agentId = [...agents][0] ?? null;
      const { mission } = input;
      const task = taskOf(mission);
      if (agentId === null)
        return told({ ...mission, status: 'failed', tasks: [], progress: 0, detail: 'no robot can do it' });
      const view = { task, agentId, status: 'queued' as const, progress: 0, detail: '', history: [] };
      return told({ ...mission, status: 'active', tasks: [view], progress: 0, detail: `${agentId} does it` }, [
        { type: 'assign', agentId, task },
      ]);
    }
    case 'asked': {
      const revision = state.revision + 1;
      const intents = [{ name: 'advance', args: { xM: 3.5, yM: 4.5 } }];
      const plan = {
        taskId: input.taskId,
        revision,
        intents,
        confidence: 0.9,
        rationale: 'straight on',
        basis: input.basis,
        alternatives: [],
      };
      return { state: { ...state, revision }, outputs: [{ type: 'plan', agentId: input.agentId, plan }] };
    }
    case 'task': {
      const mission = [...missions.values()].find((one) => one.tasks.some((view) => view.task.id === input.taskId));
      if (mission === undefined || (input.status !== 'done' && input.status !== 'failed'))
        return { state, outputs: [] };
      return told({ ...mission, status: input.status, progress: 1, detail: input.detail });
    }
    case 'cancel': {
      const mission = missions.get(input.missionId);
      if (mission === undefined) return { state, outputs: [] };
      return told({ ...mission, status: 'cancelled', detail: input.reason });
    }
    case 'priority': {
      const mission = missions.get(input.missionId);
      return mission === undefined ? { state, outputs: [] } : told({ ...mission, priority: input.priority });
    }
    case 'fences':
      return { state: { ...state, fences: input.fences }, outputs: [] };
    case 'tick':
      return { state, outputs: [] };
  }
}
