import type { OutgoingMessage } from '@sigma/kernel';
import type { AgentRuntime } from './agent-runtime.ts';
import type { Report } from './ports.ts';

/**
 * Hands an agent's messages to the peers of the same program. A broadcast reaches whom the terrain says it reaches; a
 * failsafe broadcast reaches everyone.
 *
 * @param agents by id; walked in their order, which must be the same on every run
 */
export function passOn<World>(
  report: Report<World>,
  agents: ReadonlyMap<string, AgentRuntime<World>>,
  from: string,
  messages: readonly OutgoingMessage[],
): void {
  const sender = agents.get(from);
  for (const { to, topic, body, promise } of messages) {
    for (const [id, peer] of agents) {
      if (id === from || (to !== '*' && to !== id)) continue;
      const far = sender !== undefined && !report.reaches(sender.agent.world, peer.agent.world);
      if (to === '*' && topic !== 'failsafe' && far) continue;
      peer.deliver({ kind: 'message', from, topic, body, ...(promise === undefined ? {} : { promise }) });
    }
  }
}
