import { FLOWS, type Flow, type FlowId, type Place, ROLES, type RoleId, type Step } from './flows.ts';

const PLACES: Readonly<Record<Place, string>> = {
  edge: 'edge, beside the body',
  peers: 'other edges',
  hub: 'hub',
  stores: 'stores',
  people: 'people',
};
const flows = Object.entries(FLOWS) as [FlowId, Flow][];
const words = ({ over }: Step): string => ('topic' in over ? over.topic : over.by);

/** docs/flows.md: every flow as the registry has it. Solid lines are walked by tests, dotted ones are not built yet. */
export function flowsPage(): string {
  const rows = flows.map(
    ([id, { name, span, steps, later }]) =>
      `| ${id} | ${name} | \`${span}\` | ${steps.length === 0 ? 'not yet' : later.length === 0 ? 'whole' : 'in part'} |`,
  );
  return `# Flows

Made from the hub's registry (\`apps/hub/src/flows/flows.ts\`) by \`npm run flows -w @sigma/hub\`; do not edit by hand.

| flow | | span | walked |
|---|---|---|---|
${rows.join('\n')}

Dotted lines are not built yet. A word on a line that is a topic of the hub's bus stands in \`apps/hub/src/subjects.ts\`.

\`\`\`mermaid
flowchart LR
${diagram(flows.flatMap(([id, flow]) => linesOf(id, flow)))}
\`\`\`

${flows.map(([id, flow]) => `## ${id} ${flow.name}\n\n\`\`\`mermaid\nflowchart LR\n${diagram(linesOf(id, flow))}\n\`\`\`\n`).join('\n')}`;
}

interface Line {
  readonly id: FlowId;
  readonly step: Step;
  readonly later: boolean;
}

const linesOf = (id: FlowId, { steps, later }: Flow): readonly Line[] => [
  ...steps.map((step) => ({ id, step, later: false })),
  ...later.map((step) => ({ id, step, later: true })),
];

function diagram(lines: readonly Line[]): string {
  const roles = new Set<RoleId>(lines.flatMap(({ step }) => [step.from, step.to]));
  const boxes = (Object.keys(PLACES) as Place[]).flatMap((place) => {
    const here = (Object.keys(ROLES) as RoleId[]).filter((role) => roles.has(role) && ROLES[role].place === place);
    if (here.length === 0) return [];
    return [
      `  subgraph ${place}Place["${PLACES[place]}"]`,
      ...here.map((role) => `    ${role}["${ROLES[role].name}"]`),
      '  end',
    ];
  });
  const arrows = lines.map(
    ({ id, step, later }) => `  ${step.from} ${later ? '-.->' : '-->'}|"${id} ${words(step)}"| ${step.to}`,
  );
  return [...boxes, ...arrows].join('\n');
}
