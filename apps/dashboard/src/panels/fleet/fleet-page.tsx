import { FleetTable } from './fleet-table.tsx';

/** The fleet on the whole page, with every column: `/fleet`. */
export default function FleetPage() {
  return <FleetTable wide />;
}
