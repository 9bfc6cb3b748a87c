import { Code, ConnectError } from '@connectrpc/connect';
import type { Fork } from '@sigma/proto';
import type { MissionControl } from '../../frame/mission-control.tsx';
import type { Hub } from '../../live/hub.ts';
import type { SiteView } from '../../live/site-view.ts';
import type { ForkSite } from './fork-site.ts';

/**
 * What panels may use in a life that is not the site's own: everything is of that life, and what the hub knows of the
 * site's own recording under the same names is not mixed into it.
 *
 * @param recorded what was recorded by an earlier run, instead of the fork
 */
export function otherControl(control: MissionControl, fork: Fork, site: ForkSite, recorded: boolean): MissionControl {
  const { hub, clock } = control;
  return {
    ...control,
    live: withOwnDecisions(site, () => clock.atUs),
    engine: site.engine,
    hub: recorded ? { ...askedLess(hub), forks: refusing(hub) } : { ...askedLess(hub), forks: forking(hub, fork) },
  };
}

/** Decisions that this life's own chains hold; the page knows others by the same numbers, of the site's own recording. */
function withOwnDecisions({ site, engine }: ForkSite, atUs: () => number): SiteView {
  const decisions: SiteView['decisions'] = (id) => engine.films.decisions(id, atUs());
  return new Proxy<SiteView>(site, {
    get: (target, name) => {
      if (name === 'decisions') return decisions;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function askedLess(hub: Hub): Hub {
  return {
    ...hub,
    fleet: {
      ...hub.fleet,
      listDecisions: async () => ({ $typeName: 'sigma.v1.ListDecisionsResponse', decisions: [] }),
    },
    record: {
      ...hub.record,
      proveEvent: () => refused('this hub has not signed that life; `sigma prove` makes proofs of its recording'),
    },
  };
}

const forking = (hub: Hub, { id }: Fork): Hub['forks'] => ({
  ...hub.forks,
  makeFork: (wish, options) => hub.forks.makeFork({ ...wish, ofForkId: id }, options),
});

const refusing = (hub: Hub): Hub['forks'] => ({
  ...hub.forks,
  makeFork: () => refused('that was recorded by an earlier run; `sigma fork` takes its recording, or fork this fork'),
});

const refused = (words: string): Promise<never> => Promise.reject(new ConnectError(words, Code.FailedPrecondition));
