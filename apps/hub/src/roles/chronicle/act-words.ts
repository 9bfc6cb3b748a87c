import type { DescMessage, Message, MessageShape } from '@bufbuild/protobuf';
import {
  AcknowledgeAgentRequestSchema,
  AcknowledgeAlertRequestSchema,
  BeginImportRequestSchema,
  CancelForkRequestSchema,
  CancelMissionRequestSchema,
  CancelTrialRequestSchema,
  CommandAgentRequestSchema,
  CreateAccountRequestSchema,
  CreateMissionRequestSchema,
  EndSilenceRequestSchema,
  InjectFaultRequestSchema,
  MakeForkRequestSchema,
  PlacePersonRequestSchema,
  PutFenceRequestSchema,
  RemoveAccountRequestSchema,
  RemoveFenceRequestSchema,
  RemoveForkRequestSchema,
  RemoveImportRequestSchema,
  ResetAgentRequestSchema,
  ReturnLeaseRequestSchema,
  ReviseFenceRequestSchema,
  SetAccountRoleRequestSchema,
  SetAgentModeRequestSchema,
  SetMissionPriorityRequestSchema,
  SetSpeedRequestSchema,
  SilenceAlertsRequestSchema,
  StopAgentsRequestSchema,
  TakeLeaseRequestSchema,
  TryRuleRequestSchema,
} from '@sigma/proto';
import { cutText } from '../../identity/text-reference.ts';

/** What an act was, in words, and whom or what it was done to. */
export interface ActWords {
  readonly targets: readonly string[];
  readonly summary: string;
}

/** Stands for every robot among the targets of an act. */
export const EVERY_ROBOT = '*';
const MOST_WORDS = 300;

type Entry = readonly [typeName: string, words: (request: Message) => ActWords];
const on = <Schema extends DescMessage>(
  schema: Schema,
  summary: (request: MessageShape<Schema>) => string,
  targets: (request: MessageShape<Schema>) => readonly string[],
): Entry => [
  schema.typeName,
  (request) => ({
    targets: targets(request as MessageShape<Schema>).filter((one) => one !== ''),
    summary: cutText(summary(request as MessageShape<Schema>), MOST_WORDS),
  }),
];
const agent = ({ agentId }: { readonly agentId: string }) => [agentId];
const forSeconds = (seconds: number): string => (seconds === 0 ? '' : ` for ${seconds} s`);

const WORDS: ReadonlyMap<string, Entry[1]> = new Map([
  on(
    StopAgentsRequestSchema,
    ({ stop, agentIds }) => {
      const whom = agentIds.length === 0 ? 'every robot' : agentIds.length === 1 ? 'it' : `${agentIds.length} robots`;
      return stop === 'none' ? `ended the normal stop of ${whom}` : `${stop} stop of ${whom}`;
    },
    ({ agentIds }) => (agentIds.length === 0 ? [EVERY_ROBOT] : [...new Set(agentIds)]),
  ),
  on(
    TakeLeaseRequestSchema,
    ({ takeOver }) => (takeOver ? 'took the control lease, over another if need be' : 'took the control lease'),
    agent,
  ),
  on(ReturnLeaseRequestSchema, () => 'returned the control lease', agent),
  on(
    CommandAgentRequestSchema,
    ({ command, rationale }) => `commanded ${command?.name ?? 'nothing'}${rationale === '' ? '' : `: ${rationale}`}`,
    agent,
  ),
  on(AcknowledgeAgentRequestSchema, () => 'acknowledged its failsafe', agent),
  on(ResetAgentRequestSchema, () => 'reset it', agent),
  on(SetAgentModeRequestSchema, ({ mode }) => `set its mode to ${mode}`, agent),
  on(
    SetSpeedRequestSchema,
    ({ speed }) => `let simulated time run ${speed} times as fast`,
    () => [EVERY_ROBOT],
  ),
  on(
    CreateMissionRequestSchema,
    ({ name, goal, priority }) => `sent mission '${name || (goal?.goal.case ?? '')}' with priority ${priority}`,
    ({ goal }) => {
      const wanted = goal?.goal.value;
      return wanted !== undefined && 'agentId' in wanted ? [wanted.agentId] : [];
    },
  ),
  on(
    SetMissionPriorityRequestSchema,
    ({ priority }) => `set its priority to ${priority}`,
    ({ missionId }) => [missionId],
  ),
  on(
    CancelMissionRequestSchema,
    ({ reason }) => `cancelled it${reason === '' ? '' : `: ${reason}`}`,
    ({ missionId }) => [missionId],
  ),
  on(
    AcknowledgeAlertRequestSchema,
    () => 'acknowledged the alert',
    ({ alertId }) => [alertId],
  ),
  on(
    SilenceAlertsRequestSchema,
    ({ cause, seconds, reason }) => `silenced ${cause}${forSeconds(seconds)}${reason === '' ? '' : `: ${reason}`}`,
    ({ cause, agentId }) => [cause, agentId],
  ),
  on(
    EndSilenceRequestSchema,
    () => 'ended the silence',
    ({ silenceId }) => [silenceId],
  ),
  on(
    PutFenceRequestSchema,
    ({ name, kind, seconds }) => `drew a ${kind} fence${name === '' ? '' : ` '${name}'`}${forSeconds(seconds)}`,
    () => [],
  ),
  on(
    ReviseFenceRequestSchema,
    ({ version, shape, note }) =>
      `changed ${shape === undefined ? (note === undefined ? 'the name' : 'the note') : 'the shape'} of the fence, from version ${version}`,
    ({ fenceId }) => [fenceId],
  ),
  on(
    RemoveFenceRequestSchema,
    () => 'took the fence away',
    ({ fenceId }) => [fenceId],
  ),
  on(
    InjectFaultRequestSchema,
    ({ fault, clear, seconds }) => (clear ? `cleared the fault ${fault}` : `injected ${fault}${forSeconds(seconds)}`),
    agent,
  ),
  on(
    PlacePersonRequestSchema,
    ({ xM, yM, seconds }) => `put a person at ${xM.toFixed(1)}, ${yM.toFixed(1)} m${forSeconds(seconds)}`,
    () => [],
  ),
  on(
    MakeForkRequestSchema,
    ({ start, alternative, rule, parameters, without, tasks }) => {
      const changes = [
        ...(alternative === 0 ? [] : [`alternative ${alternative}`]),
        ...(rule === '' ? [] : ['a rule']),
        ...parameters.map(({ name, value }) => `${name}=${value}`),
        ...without.map((id) => `without ${id}`),
        ...tasks.map(({ agentId, kind }) => `${agentId} ${kind}`),
      ];
      const where = start.case === 'event' ? ` at ${start.value.source}#${start.value.sequence}` : '';
      return `forked the recording${where}: ${changes.length === 0 ? 'nothing changed' : changes.join(', ')}`;
    },
    ({ start, agentIds }) => (start.case === 'event' ? [start.value.source] : agentIds),
  ),
  on(
    CancelForkRequestSchema,
    () => 'ended the making of the fork',
    ({ forkId }) => [forkId],
  ),
  on(
    RemoveForkRequestSchema,
    () => 'deleted the fork',
    ({ forkId }) => [forkId],
  ),
  on(
    TryRuleRequestSchema,
    ({ rule }) => `tried a rule on what was recorded: ${rule.trim().split('\n')[0]}`,
    ({ agentIds }) => agentIds,
  ),
  on(
    CancelTrialRequestSchema,
    () => 'ended the trial of the rule',
    ({ trialId }) => [trialId],
  ),
  on(
    BeginImportRequestSchema,
    ({ name, bytes }) => `brought the file '${name}' of ${bytes} bytes as a timeline`,
    () => [],
  ),
  on(
    RemoveImportRequestSchema,
    () => 'deleted the imported timeline',
    ({ importId }) => [importId],
  ),
  on(
    CreateAccountRequestSchema,
    ({ email, role }) => `made an account for ${email} as ${role}`,
    ({ email }) => [email],
  ),
  on(
    SetAccountRoleRequestSchema,
    ({ role }) => `gave it the role ${role}`,
    ({ accountId }) => [accountId],
  ),
  on(
    RemoveAccountRequestSchema,
    () => 'removed the account',
    ({ accountId }) => [accountId],
  ),
]);

/** Types of request that have words here. */
export const WORDED: ReadonlySet<string> = new Set(WORDS.keys());

export const wordsOf = (request: Message): ActWords =>
  WORDS.get(request.$typeName)?.(request) ?? { targets: [], summary: '' };
