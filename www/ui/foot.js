/** The foot of every room: whether the page works offline, and whether there is a newer version. */
import { effect } from "../lab/signals.js";
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
  effect(() => {
    ready.hidden = !offline.ready.value || offline.outdated.value;
    update.hidden = !offline.outdated.value;
  });
  return [h("a", { href: "bench.html", t: "foot.bench" }), h("span", { role: "status" }, ready, update)];
}
