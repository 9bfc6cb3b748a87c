import { type AgentView, FleetService, type LearnedBand, type OrderReceipt } from '@sigma/proto';
import { type Command, Option } from 'commander';
import { type HubAccess, type HubFlags, openHub } from '../hub-access.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { group, hubCommand, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';

interface Flags extends HubFlags {
  readonly json?: boolean;
}

/** `sigma robot list|show|stop|reset|ack`. */
export function robotCommand(shell: Shell): Command {
  const robot = group('robot', 'The fleet, and what a person may do to it', ['sigma robot list']);
  for (const build of [listRobots, showRobot, stopRobots, acknowledgeRobot, resetRobot]) robot.addCommand(build(shell));
  return robot;
}

function listRobots(shell: Shell): Command {
  return hubCommand('list', 'Every robot, with what it does now', ['sigma robot list --json']).action(
    async (flags: Flags) => {
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const { agents } = await hub.attempt(() => hub.client(FleetService).listAgents({}));
      const rows = agents.map((agent) => {
        const { id, mode, chain, failsafe, task, command: doing } = robotJson(agent);
        return [id, agent.linked ? 'linked' : 'OUT OF REACH', mode, chain, failsafe || '-', task || '-', doing];
      });
      const head = ['robot', 'link', 'mode', 'planner', 'failsafe', 'task', 'command'];
      terminal.result({ robots: agents.map(robotJson) }, columns([head, ...rows]));
    },
  );
}

const robotJson = (agent: AgentView) => ({
  id: agent.status?.agentId ?? '',
  linked: agent.linked,
  seenTimeUs: Number(agent.seenTimeUs),
  body: agent.status?.body ?? '',
  mode: agent.status?.mode ?? '',
  chain: agent.status?.chain ?? '',
  failsafe: agent.status?.failsafe ?? '',
  stop: agent.status?.stop ?? '',
  leaseHolder: agent.status?.leaseHolder ?? '',
  task: agent.status?.taskId ?? '',
  taskStatus: agent.status?.taskStatus ?? '',
  command: agent.status?.command ?? '',
  authority: agent.status?.authority ?? '',
  rationale: agent.status?.rationale ?? '',
  waitsFor: agent.waitsFor,
  edge: agent.edgeId,
  software: agent.software,
  capabilities: agent.capabilities.join(' '),
  leaseEndsTimeUs: Number(agent.leaseExpiresTimeUs),
});

const shown = (value: number): string => String(Number(value.toPrecision(4)));
const bandJson = ({ channel, field, low, high }: LearnedBand) => ({ channel, field, low, high });

function showRobot(shell: Shell): Command {
  return hubCommand('show', 'One robot: state, failsafe entries, what is usual for it, last decisions', [
    'sigma robot show r07',
  ])
    .argument('<robot>', 'its id')
    .action(async (agentId: string, flags: Flags) => {
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const fleet = hub.client(FleetService);
      const [{ agent, bands }, { decisions }] = await hub.attempt(() =>
        Promise.all([fleet.getAgent({ agentId }), fleet.listDecisions({ agentId, limit: 5 })]),
      );
      if (agent === undefined)
        throw new CommandError(EXIT.refused, `there is no robot '${agentId}'`, '`sigma robot list` has the names');
      const state = robotJson(agent);
      const entries = (agent.status?.failsafeEntries ?? []).map(({ condition, action, cause, advice, present }) => ({
        condition,
        action,
        cause,
        advice,
        present,
      }));
      const last = decisions.map(({ atUs, decision }) => ({
        atUs: Number(atUs),
        sequence: Number(decision?.sequence ?? 0),
        command: decision?.command?.name ?? '',
        rationale: decision?.rationale ?? '',
        rejected: decision?.rejected.length ?? 0,
      }));
      const text = [
        columns(Object.entries(state).map(([name, value]) => [name, String(value)])),
        ...entries.map(({ condition, action, cause, advice }) => `${condition}: ${action}, ${cause}. ${advice}`),
        ...bands.map(({ channel, field, low, high }) => `usual ${channel}.${field}: ${shown(low)} to ${shown(high)}`),
        ...last.map(({ sequence, command: what, rationale }) => `decision ${sequence}: ${what}, ${rationale}`),
      ].join('\n');
      terminal.result({ ...state, failsafeEntries: entries, bands: bands.map(bandJson), decisions: last }, text);
    });
}

function stopRobots(shell: Shell): Command {
  return hubCommand('stop', 'Stop robots, or all of them; needs no lease', [
    'sigma robot stop r07',
    'sigma robot stop --all --kind emergency',
    'sigma robot stop r07 --kind none',
  ])
    .argument('[robots...]', 'their ids')
    .option('--all', 'every robot')
    .addOption(
      new Option('--kind <kind>', 'none ends a normal stop')
        .choices(['none', 'normal', 'protective', 'emergency'])
        .default('normal'),
    )
    .action(async (agentIds: string[], flags: Flags & { readonly all?: boolean; readonly kind: string }) => {
      if (agentIds.length === 0 && flags.all !== true) {
        throw new CommandError(EXIT.usage, 'no robot is named', 'Name them, or give --all');
      }
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const { receipts } = await hub.attempt(() => hub.client(FleetService).stopAgents({ agentIds, stop: flags.kind }));
      shell.ends(tellReceipts(terminal, receipts));
    });
}

interface SeenFlags extends Flags {
  readonly seen?: readonly string[];
}

function acknowledgeRobot(shell: Shell): Command {
  return seenFirst(
    hubCommand('ack', "Acknowledge a robot's failsafe: somebody has looked at it", [
      'sigma robot ack r07',
      'sigma robot ack r07 --seen motor_hot',
    ]),
    shell,
    async (hub, order) => (await hub.client(FleetService).acknowledgeAgent(order)).receipt,
  );
}

function resetRobot(shell: Shell): Command {
  return seenFirst(
    hubCommand('reset', 'Allow a robot to move again after it was acknowledged', [
      'sigma robot reset r07',
      'sigma robot reset r07 --seen motor_hot',
    ]),
    shell,
    async (hub, order) => (await hub.client(FleetService).resetAgent(order)).receipt,
  );
}

interface SeenOrder {
  readonly agentId: string;
  readonly seen: { readonly conditions: string[] };
}

/** An order that rests on what has failed: what its giver saw, or what stands when it is given. What came up since bars it. */
function seenFirst(
  command: Command,
  shell: Shell,
  give: (hub: HubAccess, order: SeenOrder) => Promise<OrderReceipt | undefined>,
): Command {
  return command
    .argument('<robot>', 'its id')
    .option(
      '--seen <conditions>',
      'what you saw of it, by commas, as `sigma robot show` names it; none: nothing (default: what stands when asked)',
      (text) => (text === 'none' ? [] : text.split(',').filter((one) => one !== '')),
    )
    .action(async (agentId: string, flags: SeenFlags) => {
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const conditions = [...(flags.seen ?? (await standing(hub, agentId)))];
      const lookAgain = `\`sigma robot show ${agentId}\` shows how it stands now; then give the order again`;
      const receipt = await hub.attempt(() => give(hub, { agentId, seen: { conditions } }), lookAgain);
      shell.ends(tellReceipts(terminal, receipt === undefined ? [] : [receipt]));
    });
}

async function standing(hub: HubAccess, agentId: string): Promise<readonly string[]> {
  const { agent } = await hub.attempt(() => hub.client(FleetService).getAgent({ agentId }));
  return (agent?.status?.failsafeEntries ?? []).map(({ condition }) => condition);
}

/** What the robots themselves said; anything but `accepted` ends in a refusal. */
function tellReceipts(terminal: Terminal, receipts: readonly OrderReceipt[]) {
  const rows = receipts.map(({ agentId, outcome, reason }) => ({ robot: agentId, outcome, reason }));
  const text = rows.map(({ robot, outcome, reason }) => `${robot}: ${outcome}${reason === '' ? '' : ` (${reason})`}`);
  terminal.result({ receipts: rows }, text.join('\n'));
  return receipts.length > 0 && receipts.every(({ outcome }) => outcome === 'accepted') ? EXIT.ok : EXIT.refused;
}
