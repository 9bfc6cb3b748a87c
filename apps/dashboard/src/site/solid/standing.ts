import type { Site } from '@sigma/fleet-model';
import type { Fence } from '@sigma/proto';
import { type BufferGeometry, Group, type Mesh, type RawShaderMaterial, type Texture } from 'three';
import type { MapColours } from '../map-colours.ts';
import type { SiteShapes } from '../site-shapes.ts';
import { Arrows, placeMesh } from './floor-marks.ts';
import type { Lens } from './lens.ts';
import { Ribbons } from './ribbons.ts';
import type { SceneUniforms } from './scene-uniforms.ts';
import { floorMesh, gridLines, type Standing as Piece, wallMeshes } from './standing-site.ts';
import { TrafficFloor } from './traffic-floor.ts';
import { DrawnFloor, drawZoneOutlines, fenceAreas, zoneMesh } from './zone-floor.ts';

/** Smallest spacing of one-way chevrons on the picture. */
const ARROW_SPACING_PX = 58;

/** Everything that stands still, as one group: made once for a theme, drawn only when the look changes. */
export class Standing {
  readonly group = new Group();
  readonly traffic: TrafficFloor;
  readonly #site: Site;
  readonly #shapes: SiteShapes;
  readonly #signs: Texture;
  readonly #zones: Mesh<BufferGeometry, RawShaderMaterial>;
  readonly #outlines: Ribbons;
  readonly #fences: DrawnFloor;
  #themed: Piece[] = [];
  #signsOnFloor: Mesh<BufferGeometry, RawShaderMaterial>[] = [];
  #arrows: Arrows | undefined;

  constructor(site: Site, shapes: SiteShapes, uniforms: SceneUniforms, signs: Texture) {
    this.#site = site;
    this.#shapes = shapes;
    this.#signs = signs;
    this.#zones = zoneMesh(shapes, uniforms);
    this.#outlines = new Ribbons(uniforms, 9);
    this.#outlines.mesh.material.depthTest = false;
    drawZoneOutlines(shapes, this.#outlines);
    this.#fences = new DrawnFloor(uniforms);
    this.traffic = new TrafficFloor(site, uniforms, signs);
    this.group.matrixAutoUpdate = false;
    this.group.add(this.#zones, this.#outlines.mesh, this.#fences.mesh, this.traffic.heat, this.traffic.flow.points);
  }

  recolour(colours: MapColours): void {
    for (const mesh of this.#themed) drop(mesh);
    const { docks, chargers, stations } = this.#site;
    this.#arrows = new Arrows(this.#site, this.#shapes, colours);
    this.#signsOnFloor = [
      placeMesh(this.#site, docks, 'dock', colours.dock, this.#signs),
      placeMesh(this.#site, chargers, 'charger', colours.charger, this.#signs),
      placeMesh(this.#site, stations, 'station', colours.station, this.#signs),
    ];
    this.#themed = [
      ...wallMeshes(this.#site, this.#shapes, colours),
      floorMesh(this.#site, this.#shapes, colours),
      gridLines(this.#shapes, colours),
      this.#arrows.mesh,
      ...this.#signsOnFloor,
    ];
    this.group.add(...this.#themed);
  }

  update(lens: Lens, layers: readonly string[], fences: readonly Fence[]): void {
    const zones = layers.includes('zones');
    this.#zones.visible = zones;
    this.#outlines.mesh.visible = zones;
    this.#fences.show(zones ? fenceAreas(fences) : []);
    // From above a zone lies over its shelves as one area; in perspective it lies on the floor between them.
    for (const mesh of [
      this.#zones,
      this.#outlines.mesh,
      this.#fences.mesh,
      this.traffic.heat,
      ...this.#signsOnFloor,
    ]) {
      mesh.material.depthTest = lens.look.mode === 'perspective';
    }
    const cellPx = this.#site.metresPerCell * lens.look.pxPerM;
    this.#arrows?.thin(Math.max(1, Math.ceil(ARROW_SPACING_PX / cellPx)));
  }

  dispose(): void {
    for (const mesh of this.#themed) drop(mesh);
    drop(this.#zones);
    this.#outlines.dispose();
    this.#fences.dispose();
    this.traffic.dispose();
  }
}

function drop(mesh: Piece): void {
  mesh.removeFromParent();
  mesh.geometry.dispose();
  mesh.material.dispose();
}
