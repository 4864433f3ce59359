/** What drawings of uPlot share: looks, and a place that they fit into. */
import { importFile } from "../../engine/download.js";
import { follow } from "../../lab/signals.js";
import { h } from "./dom.js";
import { currentLanguage } from "./i18n.js";
import { isDark } from "./theme.js";

/** How every axis looks. */
export const axisStyle = () => ({
  stroke: colour("--muted"),
  grid: { stroke: colour("--line"), width: 1 },
  ticks: { show: false },
  font: "12px system-ui, sans-serif",
});

/**
 * A colour of style.css as the canvas understands it, or the system's in its place where that forces its own.
 *
 * @param {string} name @param {"auto" | "none"} [forced] `none`: where the colour itself says something
 */
export function colour(name, forced = "auto") {
  const probe = h("span", { style: `color: var(${name}); forced-color-adjust: ${forced}` });
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * Loads what draws charts. It asks for numbers in the browser's language as it loads, and would not load where that is no
 * language tag, as "C" is, WebKit's on a system without a locale: then the page's language stands in its place.
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
 * Draws into a place of fixed height, anew whenever its width or colours change. Returns what draws it anew where
 * something else has.
 *
 * @param {HTMLElement} place
 * @param {(uPlot: typeof import("uplot"), size: {width: number, height: number}) => import("uplot") | null} make null
 *   where there is nothing to be drawn yet; the drawing is yet to be put into the place
 */
export function fitPlot(place, make) {
  /** @type {import("uplot") | null} */
  let plot = null;

  async function fit() {
    const { default: uPlot } = await loadUPlot();
    const { clientWidth: width, clientHeight: height } = place;
    if (!width || plot?.width === width) return;
    plot?.destroy();
    plot = make(uPlot, { width, height });
    if (plot) place.append(plot.root);
  }
  function redraw() {
    plot?.destroy();
    plot = null;
    fit();
  }
  follow(() => isDark.value, redraw); // a canvas does not follow the style by itself
  new ResizeObserver(fit).observe(place);
  return redraw;
}
