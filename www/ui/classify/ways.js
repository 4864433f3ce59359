/** Ways on from the first answer: a picture of one's own, a training to watch, the network from inside, the lesson. */
import { preset } from "../../lab/settings.js";
import { h } from "../shared/dom.js";

/** The network that learns before one's eyes: small, of random weights. */
const WATCHED = { from: "", width: 0.35, resolution: 32, ...preset("quick") };

/**
 * @param {import("../context.js").Context} context
 * @param {() => void} open asks for pictures
 */
export function createWays({ state, session }, open) {
  /** Starts a training on Shapes, unless there is one to be watched. */
  function watch() {
    if (session.state.value === "idle") {
      state.set("train", WATCHED);
      session.start(state.values.train.value, undefined);
    }
    state.enter("train");
  }
  const way = (/** @type {string} */ key, /** @type {() => void} */ go) =>
    h(
      "button",
      { type: "button", class: `way way-${key}`, onclick: go },
      h("strong", { t: `ways.${key}` }),
      h("small", { t: `ways.${key}.more` }),
    );
  const opener = way("open", open);
  const element = h(
    "nav",
    { class: "ways", "data-control": "ways", "t-aria-label": "ways.title" },
    opener,
    way("watch", watch),
    way("inside", () => state.enter("apart")),
    way("lesson", () => state.set("page", { path: "fifteen", stop: "start" })),
  );
  return { element, opener };
}
