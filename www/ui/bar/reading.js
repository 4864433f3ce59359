/** How to read a weights file from elsewhere: knobs that its tensors do not determine. */
import { CIFAR_COLOURS, IMAGENET_COLOURS } from "../../engine/constants.js";
import { h } from "../shared/dom.js";

/** @typedef {import("../../engine/protocol.js").Config} Config */

/** Input normalisations in common use. @type {Record<string, Pick<Config, "mean" | "std">>} */
const INPUTS = {
  imagenet: IMAGENET_COLOURS,
  signed: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  cifar: CIFAR_COLOURS,
};
/** @type {Record<string, string[]>} */
const CHOICES = { stem: ["imagenet", "cifar"], padding: ["symmetric", "same"], input: Object.keys(INPUTS) };

/** @param {(options: Config) => void} apply */
export function createReading(apply) {
  const selects = Object.entries(CHOICES).map(([name, choices]) =>
    h("select", { name }, ...choices.map((value) => h("option", { value, t: `reading.${name}.${value}` }))),
  );
  const form = h(
    "form",
    { method: "dialog", class: "fields", onsubmit: submit },
    h("h2", { t: "reading.title" }),
    h("p", { t: "reading.idea" }),
    ...selects.map((select) => h("label", { class: "field" }, h("span", { t: `reading.${select.name}` }), select)),
    h(
      "div",
      { class: "actions" },
      h("button", { class: "primary", t: "reading.apply" }),
      h("button", { type: "button", t: "close", onclick: () => dialog.close() }),
    ),
  );
  const dialog = h("dialog", { "t-aria-label": "reading.title" }, form);

  function submit() {
    const { stem, padding, input } = /** @type {Record<string, any>} */ (Object.fromEntries(new FormData(form)));
    apply({ stem, padding, ...INPUTS[input] });
  }

  /** Shows how a file is read now. @param {Config} config */
  function show({ stem, padding, mean }) {
    const input = Object.keys(INPUTS).find((key) => INPUTS[key].mean?.every((value, i) => value === mean?.[i]));
    [stem, padding, input].forEach((value, i) => (selects[i].value = value ?? ""));
    dialog.showModal();
  }
  return { element: dialog, show };
}
