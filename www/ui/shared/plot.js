/** Shared by uPlot's drawings: styles, and fitting into a place. */
import { importFile } from "../../engine/download.js";
import { follow } from "../../lab/signals.js";
import { h, onResize } from "./dom.js";
import { currentLanguage } from "./i18n.js";
import { presenting } from "./presenting.js";
import { isDark } from "./theme.js";

/** Pixels of so many of the page's units: text and its places grow when the page is presented. @param {number} n */
export const rem = (n) => Math.round(n * parseFloat(getComputedStyle(document.documentElement).fontSize));

/** The style of every axis. @param {number} [space] between labels, at least */
export const axisStyle = (space = 2) => ({
  space: rem(space),
  stroke: colour("--muted"),
  grid: { stroke: colour("--line"), width: 1 },
  ticks: { show: false },
  font: `${rem(0.875)}px system-ui, sans-serif`,
});

/**
 * A colour of style.css in a form that the canvas understands, or the system's if that forces its colours.
 *
 * @param {string} name @param {"auto" | "none"} [forced] `none`: if the colour itself carries meaning
 */
export function colour(name, forced = "auto") {
  const probe = h("span", { style: `color: var(${name}); forced-color-adjust: ${forced}` });
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * Loads the chart library. As it loads, it formats numbers in the browser's language, which fails if that is not a
 * language tag, such as WebKit's "C" without a locale; the page's language then takes its place.
 *
 * @returns {Promise<{default: typeof import("uplot")}>}
 */
export function loadUPlot() {
  try {
    Intl.getCanonicalLocales(navigator.language);
  } catch {
    Object.defineProperty(navigator, "language", { value: currentLanguage(), configurable: true });
  }
  return importFile(new URL("../../vendor/uplot/uPlot.esm.js", import.meta.url));
}

/**
 * Draws into a place of fixed height, and redraws when its size or colours change. Returns a function that redraws
 * after other changes.
 *
 * @param {HTMLElement} place
 * @param {(uPlot: typeof import("uplot"), size: {width: number, height: number}) => import("uplot") | null} make null
 *   if there is nothing to draw yet; it must not put the drawing into the place
 */
export function fitPlot(place, make) {
  /** @type {import("uplot") | null} */
  let plot = null;

  async function fit() {
    const { default: uPlot } = await loadUPlot();
    const { clientWidth: width, clientHeight: height } = place;
    if (!width || (plot?.width === width && plot.height === height)) return;
    plot?.destroy();
    plot = make(uPlot, { width, height });
    if (plot) place.append(plot.root);
  }
  function redraw() {
    plot?.destroy();
    plot = null;
    fit();
  }
  follow(() => [isDark.value, presenting.value], redraw); // a canvas does not follow the style by itself
  onResize(place, fit);
  return redraw;
}
