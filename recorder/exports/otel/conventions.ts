import type { Decision } from '@sigma/kernel';
import type { ChainId } from '../../src/index.ts';

// Every name that OpenTelemetry's semantic conventions give to what an agent does stands here and nowhere else: the
// conventions for generative AI agents are still in development (opentelemetry.io/docs/specs/semconv/gen-ai), and when
// they change, this file does. What they have no word for is named `sigma.*`.

export type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Who speaks: the resource of all spans of one chain. */
export const resourceOf = ({ tenant, source, epoch }: ChainId, software: string): Attributes => ({
  'service.name': 'sigma',
  'service.namespace': tenant,
  'service.instance.id': `${source}/${epoch}`,
  'service.version': software,
});

/** The whole of a mission, whoever works on it. */
export const missionAttributes = (missionId: string, name: string, by: string): Attributes => ({
  'gen_ai.conversation.id': missionId,
  'sigma.mission.name': name,
  'sigma.mission.by': by,
});

/** One agent's share of a mission: an agent is invoked. */
export const taskAttributes = (agent: string, taskId: string, missionId: string, status: string): Attributes => ({
  ...agentAttributes(agent),
  'gen_ai.conversation.id': missionId,
  'sigma.task.id': taskId,
  'sigma.task.status': status,
});

/** An agent at work, from its opening on. */
export const agentAttributes = (agent: string): Attributes => ({
  'gen_ai.operation.name': 'invoke_agent',
  'gen_ai.agent.id': agent,
  'gen_ai.agent.name': agent,
});

/** A decision, in force until the next. One that starts an action is the execution of a tool. */
export function decisionAttributes(agent: string, decision: Decision): Attributes {
  const { command, authority, rationale, confidence, rejected, taskId, chosen, context } = decision;
  const action: Attributes =
    command.kind === 'action'
      ? {
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.tool.name': command.name,
          'gen_ai.tool.type': 'function',
          'gen_ai.tool.call.id': command.id,
        }
      : {};
  return {
    ...action,
    'gen_ai.agent.id': agent,
    'sigma.command': command.name,
    'sigma.authority': authority,
    'sigma.rationale': rationale,
    'sigma.confidence': confidence,
    'sigma.rejected': rejected.length,
    'sigma.proposed_by': chosen?.source ?? '',
    'sigma.policy': context.policyHash,
    ...(taskId === null ? {} : { 'sigma.task.id': taskId }),
  };
}
