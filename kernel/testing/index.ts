export { runInBrowser, withoutBrowser } from './engine-browser.ts';
export { POISONED_MATH, type QuickJSRun, runInQuickJS } from './engine-quickjs.ts';
export { type TerrainExam, terrainContract } from './terrain-contract.ts';
