/** Below every room: whether the page works without a network, and whether there is a newer one. */
import { h } from "./shared/dom.js";

/** @param {import("./offline.js").Offline} offline */
export function createFoot(offline) {
  const ready = h("span", { t: "foot.ready", hidden: true });
  const update = h(
    "span",
    { hidden: true },
    h("span", { t: "foot.update" }),
    h("button", { type: "button", t: "foot.load", onclick: () => offline.takeOver() }),
  );
  offline.addEventListener("change", () => {
    ready.hidden = !offline.ready || offline.outdated;
    update.hidden = !offline.outdated;
  });
  return [h("a", { href: "bench.html", t: "foot.bench" }), h("span", { role: "status" }, ready, update)];
}
