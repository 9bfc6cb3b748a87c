/** What the signs of the site mean, for whoever asks. */
export function Legend() {
  return (
    <details className="legend">
      <summary>Signs</summary>
      <ul>
        <li>Box with a point: carrier, heading. Disc with a nose: humanoid.</li>
        <li>Head and shoulders: a person.</li>
        <li>
          Octagon: stopped until a person resets. Triangle: until one has looked. Diamond: ends by itself, or a mode.
        </li>
        <li>Hollow, dashed: no fresh position; the age stands beside it. Faint: behind a shelf.</li>
        <li>Line behind the selected robot: where it was. Dashed: where it plans to go, and in how long.</li>
        <li>Dots and shade: lidar of the selected robot.</li>
        <li>Hatched: restricted (dense) or slow (wide) zone. Chevrons: one-way aisle.</li>
        <li>Square: dock; with a bolt: charger; with a triangle: station.</li>
      </ul>
    </details>
  );
}
