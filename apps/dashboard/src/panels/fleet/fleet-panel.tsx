import { FleetTable } from './fleet-table.tsx';

/** The fleet beside the site. */
export const FleetPanel = () => <FleetTable wide={false} />;
