import type { Alert } from './board.ts';

/** Which alert explains which: one row says that `root` of a robot explains `children` of the same robot. */
export interface CausalRule {
  readonly root: RegExp;
  readonly children: RegExp;
  /** They have one cause that shows in all of them: whichever was raised first stands for those after it. */
  readonly together?: true;
}

/** Silence of a robot's link. */
export const SILENT = 'link:silent';
export const FAILSAFE = 'failsafe:';
/** Everything was stopped at once; stands for the site, not for a robot. */
export const SITE_STOP = 'stop:';
/** Stands where the agent stands in an alert about the hub or the whole site. */
export const HUB = 'hub';

/** What everybody who was stopped at once says of it. */
const stoppedBy = (site: Alert): string => `${FAILSAFE}operator_${site.cause.slice(SITE_STOP.length)}_stop`;

/** Whether `root` explains `child`. Same robot, or a stop of the whole site; what is over explains nothing. */
export function explains(root: Alert, child: Alert, rules: readonly CausalRule[]): boolean {
  if (root.id === child.id || root.clearedTimeUs > 0) return false;
  if (root.agentId === HUB && root.cause.startsWith(SITE_STOP)) return child.cause === stoppedBy(root);
  if (root.agentId !== child.agentId || root.cause === child.cause) return false;
  return rules.some(
    (rule) =>
      rule.root.test(root.cause) &&
      rule.children.test(child.cause) &&
      (rule.together !== true || isBefore(root, child)),
  );
}

const isBefore = (a: Alert, b: Alert): boolean =>
  a.raisedTimeUs < b.raisedTimeUs || (a.raisedTimeUs === b.raisedTimeUs && a.id < b.id);

/** What may explain an alert: what stands of the same robot, and stops of the whole site. */
class Standing {
  readonly #byAgent = new Map<string, Alert[]>();
  readonly #siteStops: Alert[] = [];

  constructor(standing: readonly Alert[]) {
    for (const alert of standing) {
      const of = this.#byAgent.get(alert.agentId);
      if (of === undefined) this.#byAgent.set(alert.agentId, [alert]);
      else of.push(alert);
      if (alert.agentId === HUB && alert.cause.startsWith(SITE_STOP)) this.#siteStops.push(alert);
    }
  }

  /** The alert at the end of the chain of explanations, or null where it stands for itself. */
  rootOf(child: Alert, rules: readonly CausalRule[]): Alert | null {
    let root: Alert | null = null;
    const seen = new Set([child.id]);
    for (let at = child; ; ) {
      const fits = (one: Alert): boolean => !seen.has(one.id) && explains(one, at, rules);
      const above: Alert | undefined = this.#byAgent.get(at.agentId)?.find(fits) ?? this.#siteStops.find(fits);
      if (above === undefined) return root;
      seen.add(above.id);
      root = above;
      at = above;
    }
  }
}

const CRITICAL = 4;
/** What stands on for so long after its explanation ended stands for itself. */
const ORPHAN_AFTER_US = 10_000_000;

/**
 * Ties what stands to what explains it. Pure.
 *
 * @param standing alerts that have not cleared
 * @param known any alert by id, cleared ones included
 * @returns those that changed: explained, or standing for themselves again. A root is never less grave than what it
 * explains, and what comes under an acknowledged root that is as grave is acknowledged with it.
 */
export function fold(
  standing: readonly Alert[],
  known: (id: string) => Alert | undefined,
  nowUs: number,
  rules: readonly CausalRule[],
): readonly Alert[] {
  const now = new Map(standing.map((alert) => [alert.id, alert]));
  const changed = new Map<string, Alert>();
  const above = new Standing(standing);
  const put = (alert: Alert): void => {
    now.set(alert.id, alert);
    changed.set(alert.id, alert);
  };
  for (const child of standing) {
    const root = above.rootOf(child, rules);
    if (root !== null && root.id !== child.rootId) put({ ...(now.get(child.id) as Alert), rootId: root.id });
    else if (root === null && child.rootId !== '') {
      const old = known(child.rootId);
      const over = old === undefined || (old.clearedTimeUs > 0 && nowUs - old.clearedTimeUs >= ORPHAN_AFTER_US);
      if (over) put({ ...(now.get(child.id) as Alert), rootId: '' });
    }
  }
  for (const { id } of standing) {
    const child = now.get(id) as Alert;
    const root = child.rootId === '' ? undefined : now.get(child.rootId);
    if (root === undefined) continue;
    const { acknowledgedBy, acknowledgedTimeUs } = root;
    const news = child.acknowledgedBy === '' && child.level > root.level;
    if (child.level > root.level)
      put({ ...root, level: child.level, ...(news ? { acknowledgedBy: '', acknowledgedTimeUs: 0 } : {}) });
    if (!news && acknowledgedBy !== '' && child.acknowledgedBy === '' && child.level < CRITICAL)
      put({ ...child, acknowledgedBy, acknowledgedTimeUs });
  }
  return [...changed.values()];
}
