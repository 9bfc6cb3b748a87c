import { lazy } from 'react';
import type { TerrainPart } from '../frame/panel-port.ts';
import { untilFetched } from '../frame/until-fetched.ts';
import { AlertsPanel } from '../panels/alerts/alerts-panel.tsx';
import { FleetPanel } from '../panels/fleet/fleet-panel.tsx';
import { MissionsPanel } from '../panels/missions/missions-panel.tsx';
import { SelectedPanel } from '../panels/selected/selected-panel.tsx';
import { SitePanel } from '../panels/site/site-panel.tsx';

const SiteLog = lazy(async () => ({ default: (await import('../panels/log/site-log.tsx')).SiteLog }));
const BenchPanel = lazy(async () => ({ default: (await import('../panels/simulation/bench-panel.tsx')).BenchPanel }));
const StandingBell = lazy(async () => ({
  default: (await untilFetched(() => import('../panels/alerts/standing-bell.tsx'))).StandingBell,
}));
const FleetPage = lazy(() => import('../panels/fleet/fleet-page.tsx'));
const RobotPage = lazy(() => import('../panels/robot/robot-page.tsx'));
const DecisionPage = lazy(() => import('../panels/decisions/decision-page.tsx'));
const MissionsPage = lazy(() => import('../panels/missions/missions-page.tsx'));
const MissionPage = lazy(() => import('../panels/missions/mission-page.tsx'));
const AlertsPage = lazy(() => import('../panels/alerts/alerts-page.tsx'));
const ForksPage = lazy(() => import('../panels/forks/forks-page.tsx'));
const ForkPage = lazy(() => import('../panels/forks/fork-page.tsx'));
const WhatIfPage = lazy(() => import('../panels/forks/what-if-page.tsx'));
const ImportsPage = lazy(() => import('../panels/imports/imports-page.tsx'));
const ImportPage = lazy(() => import('../panels/imports/import-page.tsx'));
const ActsPage = lazy(() => import('../panels/acts/acts-page.tsx'));
const AccountsPage = lazy(() => import('../panels/accounts/accounts-page.tsx'));
const VerifyPanel = lazy(async () => ({ default: (await import('../panels/verify/verify-panel.tsx')).VerifyPanel }));

/** What a fleet of robots brings to the page. */
export const fleetTerrain: TerrainPart = {
  terrain: 'fleet',
  panels: [
    {
      id: 'fleet',
      title: 'Fleet',
      place: 'left',
      icon: 'M2.5 4h11M2.5 8h11M2.5 12h7',
      component: FleetPanel,
      order: 10,
    },
    {
      id: 'site',
      title: 'Site',
      place: 'centre',
      icon: 'M2 4l4-1.5 4 1.5 4-1.5v10L10 14l-4-1.5L2 14zM6 2.5v10M10 4v10',
      component: SitePanel,
      order: 10,
    },
    {
      id: 'robot',
      title: 'Selected',
      place: 'right',
      icon: 'M3 6h10v7H3zM8 6V3M6 9.5h.01M10 9.5h.01',
      component: SelectedPanel,
      order: 10,
    },
    {
      id: 'alerts',
      title: 'Alerts',
      place: 'bottom',
      icon: 'M8 2.5l6 11H2zM8 6.5v3.5M8 12h.01',
      component: AlertsPanel,
      order: 10,
    },
    {
      id: 'missions',
      title: 'Missions',
      place: 'bottom',
      icon: 'M4 14V2.5h8L10 5.5l2 3H4',
      component: MissionsPanel,
      order: 20,
      beside: true,
    },
    {
      id: 'log',
      title: 'Log',
      place: 'bottom',
      icon: 'M3 3.5h10M3 6.5h7M3 9.5h10M3 12.5h5',
      component: SiteLog,
      order: 30,
    },
    {
      id: 'bench',
      title: 'Bench',
      place: 'bottom',
      icon: 'M6.5 2.5v4L3 13h10L9.5 6.5v-4M5.5 2.5h5',
      component: BenchPanel,
      order: 40,
      only: 'simulation',
    },
    {
      id: 'fleet-page',
      title: 'Fleet table',
      place: 'page',
      path: '/fleet',
      icon: 'M2.5 4h11M2.5 8h11M2.5 12h11',
      component: FleetPage,
      order: 10,
    },
    {
      id: 'robot-page',
      title: 'Robot',
      place: 'page',
      path: '/robot/:id',
      icon: 'M3 6h10v7H3zM8 6V3M6 9.5h.01M10 9.5h.01',
      component: RobotPage,
      order: 11,
      explains: ['robot'],
    },
    {
      id: 'decision-page',
      title: 'Decision',
      place: 'page',
      path: '/decision/:agent/:epoch/:sequence',
      icon: 'M8 2.5v4M8 6.5L3.5 13M8 6.5L12.5 13',
      component: DecisionPage,
      order: 12,
      explains: ['decision', 'robot'],
    },
    {
      id: 'missions-page',
      title: 'Missions and history',
      place: 'page',
      path: '/missions',
      icon: 'M4 14V2.5h8L10 5.5l2 3H4',
      component: MissionsPage,
      order: 20,
    },
    {
      id: 'mission-page',
      title: 'Mission',
      place: 'page',
      path: '/missions/:id',
      icon: 'M4 14V2.5h8L10 5.5l2 3H4',
      component: MissionPage,
      order: 21,
      explains: ['mission'],
    },
    {
      id: 'alerts-page',
      title: 'Alerts and rates',
      place: 'page',
      path: '/alerts',
      icon: 'M8 2.5l6 11H2zM8 6.5v3.5M8 12h.01',
      component: AlertsPage,
      order: 30,
    },
    {
      id: 'what-if',
      title: 'What-if',
      place: 'page',
      path: '/what-if',
      icon: 'M5.5 6a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.7-.9 1.4v.6M8 13h.01',
      component: WhatIfPage,
      order: 40,
    },
    {
      id: 'what-if-found',
      title: 'What-if',
      place: 'page',
      path: '/what-if/:trial',
      icon: 'M5.5 6a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.7-.9 1.4v.6M8 13h.01',
      component: WhatIfPage,
      order: 41,
    },
    {
      id: 'forks',
      title: 'Forks',
      place: 'page',
      path: '/forks',
      icon: 'M5 2.5v11M5 9c0-3 6-1.5 6-4.5M11 4.5v-2M11 2.5L9.3 4.3M11 2.5l1.7 1.8',
      component: ForksPage,
      order: 42,
    },
    {
      id: 'fork',
      title: 'Two timelines',
      place: 'page',
      path: '/forks/:fork',
      icon: 'M5 2.5v11M5 9c0-3 6-1.5 6-4.5M11 4.5v-2M11 2.5L9.3 4.3M11 2.5l1.7 1.8',
      component: ForkPage,
      order: 43,
    },
    {
      id: 'imports',
      title: 'Imports',
      place: 'page',
      path: '/imports',
      icon: 'M8 2.5v7M5 6.8l3 2.9 3-2.9M2.5 11.5v2h11v-2',
      component: ImportsPage,
      order: 50,
      explains: 'all',
    },
    {
      id: 'import',
      title: 'Import beside the record',
      place: 'page',
      path: '/imports/:import',
      icon: 'M8 2.5v7M5 6.8l3 2.9 3-2.9M2.5 11.5v2h11v-2',
      component: ImportPage,
      order: 51,
      explains: 'all',
    },
    {
      id: 'acts',
      title: 'Acts of people',
      place: 'page',
      path: '/acts',
      icon: 'M8 3a2.5 2.5 0 1 1 0 5a2.5 2.5 0 1 1 0-5zM3 13.5c.8-3 9.2-3 10 0',
      component: ActsPage,
      order: 70,
    },
    {
      id: 'accounts',
      title: 'Accounts',
      place: 'page',
      path: '/accounts',
      icon: 'M5 7V5a3 3 0 0 1 6 0v2M3.5 7h9v6.5h-9z',
      component: AccountsPage,
      order: 80,
      explains: 'all',
    },
    {
      id: 'verify',
      title: 'Verify recording',
      place: 'page',
      path: '/verify',
      icon: 'M2.5 8.5l3.5 3.5 7.5-8',
      component: VerifyPanel,
      order: 90,
      explains: 'all',
    },
  ],
  layers: [],
  standing: StandingBell,
};
