/** Sites: from a map and a site file, or from a map alone, to the place a fleet works in. */
export { deriveSite } from './derive.ts';
export { BrokenMapError, type Grid, MAX_CELLS, MAX_SIDE, parseMovingAiMap } from './grid.ts';
export {
  cellAt,
  centreXM,
  centreYM,
  columnOf,
  EAST,
  NORTH,
  type Place,
  rowOf,
  type Site,
  SOUTH,
  WEST,
  type Zone,
} from './site.ts';
export { parseSiteFile, SiteFileError } from './site-file.ts';
export { BrokenSiteRecordError, type SiteRecord, siteFromJson, siteToJson } from './site-record.ts';
export { type PointM, type ZoneOutline, zoneFromPolygon } from './zone.ts';
