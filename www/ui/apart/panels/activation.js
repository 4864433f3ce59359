/** ReLU6: what it cuts off in a layer, what few bits do to a network with it and to one without, and how both were trained. */
import { computed } from "../../../lab/signals.js";
import { goTo, h, loadStyle } from "../../shared/dom.js";
import { createBits } from "./bits.js";
import { createCut } from "./cut.js";
import { createPanel } from "./panel.js";
import { createTrainings } from "./trainings.js";

loadStyle(new URL("./activation.css", import.meta.url));

/** @param {import("../../context.js").Context} context */
export function createActivation(context) {
  const { state } = context;
  const isOpen = computed(() => state.room.value === "apart" && state.values.apart.value.panel === "activation");
  return createPanel(
    "activation",
    h("div", { class: "activation" }, createCut(context, isOpen), createBits(context, isOpen)),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", t: "maps.another", onclick: () => goTo(state, "classify") }),
    ),
    createTrainings(isOpen),
  );
}
