/**
 * The geometry of a square crop: it moves and zooms, and never leaves the picture. All lengths are pixels of the picture.
 *
 * @typedef {{x: number, y: number, side: number}} Crop `x`, `y`: its upper left corner
 * @typedef {{width: number, height: number}} Size
 * @typedef {{x: number, y: number}} Point
 * @typedef {{right: boolean, bottom: boolean}} Corner of a crop
 */

/** Smallest side of a crop, as a share of the picture's shorter side; the networks' own crops have the same limit. */
export const LEAST_SHARE = 0.1;
/** Factor by which + and − zoom. */
const ZOOM = 1.1;
/** How far an arrow key moves a crop, as a share of its side, and how far with Shift. */
const STEP = 0.05;
const FINE_STEP = 0.01;

/** @param {number} value @param {number} least @param {number} most */
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/** @param {Size} picture */
const shorter = ({ width, height }) => Math.min(width, height);

/** @param {Size} picture */
const leastSide = (picture) => LEAST_SHARE * shorter(picture);

/** The centre crop with this share of the shorter side. @param {Size} picture @param {number} share @returns {Crop} */
export function centered(picture, share) {
  const side = share * shorter(picture);
  return { x: (picture.width - side) / 2, y: (picture.height - side) / 2, side };
}

/** A crop's side as a share of the picture's shorter side. @param {Size} picture @param {Crop} crop */
export const shareOf = (picture, { side }) => side / shorter(picture);

/** A crop's position between the edges, 0 – 1 along each axis; 0.5 if it cannot move. @param {Size} picture @param {Crop} crop @returns {Point} */
export function positionOf({ width, height }, { x, y, side }) {
  const along = (/** @type {number} */ start, /** @type {number} */ size) =>
    size > side ? start / (size - side) : 0.5;
  return { x: along(x, width), y: along(y, height) };
}

/** @param {Size} picture @param {Crop} crop @param {number} dx @param {number} dy pixels */
export function moved({ width, height }, { x, y, side }, dx, dy) {
  return { x: clamp(x + dx, 0, width - side), y: clamp(y + dy, 0, height - side), side };
}

/**
 * Scales a crop about a point, which keeps its place in the crop unless an edge is in the way.
 *
 * @param {Size} picture @param {Crop} crop @param {number} factor
 * @param {Point} [at] the crop's centre by default
 */
export function zoomed(picture, crop, factor, at = { x: crop.x + crop.side / 2, y: crop.y + crop.side / 2 }) {
  const side = clamp(crop.side * factor, leastSide(picture), shorter(picture));
  const grown = side / crop.side;
  const x = at.x - (at.x - crop.x) * grown;
  const y = at.y - (at.y - crop.y) * grown;
  return moved(picture, { x, y, side }, 0, 0);
}

/**
 * Moves a corner of a crop towards a point, as far as a square can; the opposite corner stays.
 *
 * @param {Size} picture @param {Crop} crop @param {Corner} corner @param {Point} to
 */
export function stretched(picture, { x, y, side }, { right, bottom }, to) {
  const fixed = { x: right ? x : x + side, y: bottom ? y : y + side };
  const room = Math.min(right ? picture.width - fixed.x : fixed.x, bottom ? picture.height - fixed.y : fixed.y);
  const across = right ? to.x - fixed.x : fixed.x - to.x;
  const down = bottom ? to.y - fixed.y : fixed.y - to.y;
  const long = clamp((across + down) / 2, Math.min(leastSide(picture), room), room);
  return { x: right ? fixed.x : fixed.x - long, y: bottom ? fixed.y : fixed.y - long, side: long };
}

/**
 * Moves a crop with two fingers: it follows their midpoint and grows with their distance.
 *
 * @param {Size} picture @param {Crop} crop @param {[Point, Point]} from @param {[Point, Point]} to
 */
export function pinched(picture, crop, from, to) {
  const middle = (/** @type {[Point, Point]} */ [a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const apart = (/** @type {[Point, Point]} */ [a, b]) => Math.max(Math.hypot(a.x - b.x, a.y - b.y), 1e-6);
  const [before, after] = [middle(from), middle(to)];
  const { x, y, side } = zoomed(picture, crop, apart(to) / apart(from), before);
  return moved(picture, { x, y, side }, after.x - before.x, after.y - before.y);
}

/**
 * Applies a key: arrows move the crop, less with Shift, + makes it smaller and − larger. Other keys give null.
 *
 * @param {Size} picture @param {Crop} crop @param {string} key as of a KeyboardEvent @param {boolean} fine
 */
export function stepped(picture, crop, key, fine) {
  const step = crop.side * (fine ? FINE_STEP : STEP);
  if (key === "ArrowLeft") return moved(picture, crop, -step, 0);
  if (key === "ArrowRight") return moved(picture, crop, step, 0);
  if (key === "ArrowUp") return moved(picture, crop, 0, -step);
  if (key === "ArrowDown") return moved(picture, crop, 0, step);
  if (key === "+" || key === "=") return zoomed(picture, crop, 1 / ZOOM);
  if (key === "-" || key === "_") return zoomed(picture, crop, ZOOM);
  return null;
}
