// What lies under the pointer in the 3D picture: a straight line into it, and the first triangle that it meets.

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const along = ({ origin, way }, t) => origin.map((x, axis) => x + t * way[axis]);

/**
 * The line that is seen as a point of a picture without perspective.
 * @param x, y of the point, -1 to 1 from left to right and from below to above
 * @param projection, model NiiVue's matrices, column by column; its depth grows away from who looks
 */
export function rayAt([x, y], projection, model) {
  const row = (matrix, n) => [matrix[n], matrix[n + 4], matrix[n + 8]];
  const [across, up] = [row(projection, 0), row(projection, 1)]; // at right angles
  const [u, v] = [(x - projection[12]) / dot(across, across), (y - projection[13]) / dot(up, up)];
  return { origin: across.map((a, axis) => u * a + v * up[axis]), way: row(model, 2) };
}

/** mm along the line to the first triangle of a surface, or Infinity (Möller and Trumbore 1997). */
function distance({ pts, tris }, { origin, way }) {
  let nearest = Infinity;
  const corner = (n) => [pts[3 * n], pts[3 * n + 1], pts[3 * n + 2]];
  for (let n = 0; n < tris.length; n += 3) {
    const first = corner(tris[n]);
    const [one, two] = [minus(corner(tris[n + 1]), first), minus(corner(tris[n + 2]), first)];
    const across = cross(way, two);
    const size = dot(one, across);
    if (!size) continue;
    const from = minus(origin, first);
    const u = dot(from, across) / size;
    const beside = cross(from, one);
    const v = dot(way, beside) / size;
    if (u >= 0 && v >= 0 && u + v <= 1) nearest = Math.min(nearest, dot(two, beside) / size);
  }
  return nearest;
}

/** World mm where the line has entered one of the surfaces by so many mm, or null. */
export function firstHit(meshes, ray, beneath) {
  const near = Math.min(...meshes.map((mesh) => distance(mesh, ray)));
  return near < Infinity ? along(ray, near + beneath) : null;
}
