import { lazy } from 'react';
import type { TerrainPart } from '../frame/panel-port.ts';
import { AlertsPanel } from '../panels/alerts/alerts-panel.tsx';
import { FleetPanel } from '../panels/fleet/fleet-panel.tsx';
import { MissionsPanel } from '../panels/missions/missions-panel.tsx';
import { RobotPanel } from '../panels/robot/robot-panel.tsx';
import { SitePanel } from '../panels/site/site-panel.tsx';

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
      component: RobotPanel,
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
      id: 'verify',
      title: 'Verify recording',
      place: 'page',
      path: '/verify',
      icon: 'M2.5 8.5l3.5 3.5 7.5-8',
      component: VerifyPanel,
      order: 90,
    },
  ],
  layers: [],
};
