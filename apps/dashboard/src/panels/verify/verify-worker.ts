import { sha256 } from '@noble/hashes/sha2.js';
import { siteFromJson } from '@sigma/fleet-model';
import { verify } from '@sigma/recorder';
import { connectHub, explain } from '../../live/hub.ts';
import { HubRecording } from './hub-recording.ts';
import { fleetReexecutors } from './reexecutors.ts';
import { summariseReport, type VerifyNews } from './verify-words.ts';

/** Checks the hub's recording in this browser, apart from the page, so that the page stays quick. */
const tell = (news: VerifyNews) => self.postMessage(news);

async function run(): Promise<void> {
  try {
    const hub = connectHub(self.location.origin);
    const recording = new HubRecording(hub.record);
    const { siteJson } = await hub.site.getSite({});
    const shown = siteJson === '' ? null : siteFromJson(JSON.parse(siteJson));
    const report = await verify(recording, {
      sha256: (bytes) => sha256(bytes),
      reexecutors: await fleetReexecutors(recording, shown),
      progress: ({ chain, sequence, ofSequence }) =>
        tell({ type: 'progress', source: chain.source, sequence, ofSequence }),
    });
    tell({ type: 'report', summary: summariseReport(report) });
  } catch (error) {
    tell({ type: 'failed', message: explain(error) });
  }
}

void run();
