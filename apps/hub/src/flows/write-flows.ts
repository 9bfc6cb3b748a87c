// Writes docs/flows.md: `npm run flows -w @sigma/hub`.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { flowsPage } from './flows-page.ts';

writeFileSync(fileURLToPath(new URL('../../../../docs/flows.md', import.meta.url)), flowsPage());
