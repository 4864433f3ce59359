/** The wall: sixteen draws of one picture by the augmentation as it is set, which follow the settings while they are dragged. */
import { coloursOf, LIMIT, repeated, summaryOf } from "../../lab/feed.js";
import { latest } from "../../lab/latest.js";
import { classesOf, configOf, recipeOf } from "../../lab/settings.js";
import { computed, effect, follow, signal } from "../../lab/signals.js";
import { h, paintRgb, setOptions, showProblem } from "../shared/dom.js";
import { currentLanguage, number, t } from "../shared/i18n.js";
import { kindsOf, specimenOf } from "./specimen.js";

const DRAWS = 16;

/** @param {import("../context.js").Context} context @param {import("./fold.js").Open} open */
export function createWall(context, open) {
  const { engine, state, library, project } = context;
  const canvases = Array.from({ length: DRAWS }, () => h("canvas", {}));
  const grid = h("div", { class: "wall-grid", role: "img" }, ...canvases);
  const picture = h("select", { id: "wall-picture", onchange: () => choose({ kind: picture.value, index: 0 }) });
  const asSeen = h("input", { type: "checkbox", id: "wall-normalised", onchange: () => paint() });
  const note = h("p", { class: "hint" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const element = h(
    "figure",
    { class: "wall", "data-control": "wall" },
    h("figcaption", { t: "wall.title" }),
    grid,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", t: "wall.again", onclick: () => seed.value++ }),
      h("button", { type: "button", t: "wall.other", onclick: () => choose({ index: chosen.peek().index + 1 }) }),
    ),
    h("div", { class: "field" }, h("label", { for: picture.id, t: "wall.picture" }), picture),
    h("label", { class: "field inline" }, asSeen, h("span", { t: "feed.normalised" })),
    note,
    problem,
  );

  const seed = signal(0);
  /** The kind that a person chose, if any, and which of them. */
  const chosen = signal({ kind: "", index: 0 });
  const kinds = computed(() => kindsOf(context));
  const kind = computed(() => kinds.value.find((one) => one === chosen.value.kind) ?? kinds.value[0]);
  /** @param {Partial<{kind: string, index: number}>} change */
  const choose = (change) => (chosen.value = { ...chosen.peek(), ...change });

  /** The picture on the wall, sixteen times, and what it was asked for by. */
  let images = new Uint8Array();
  let shown = "";
  /** @type {{inputs: Float32Array, windows: import("../../engine/handles.js").Window[], config: any} | null} */
  let drawn = null;

  /** Settings on which a draw depends. */
  const wanted = computed(() => {
    const values = state.values.train.value;
    const entry = library.find(String(values.from));
    const resolution = Number(values.resolution);
    const config = entry ? { ...entry.config, resolution } : configOf(values, classesOf(values, project));
    const recipe = recipeOf(values);
    // pictures whose features are kept are never changed
    const fixed = !!entry && values.data === "pictures" && values.trained === "classifier";
    const off = fixed ? { crop_padding: 0, flip: false, cutout: 0, sizes: [] } : {};
    return { config, recipe: { ...recipe, ...off, seed: (recipe.seed ?? 1) + seed.value }, fixed };
  });

  const drawing = latest(async () => {
    const { config, recipe } = wanted.peek();
    const { index } = chosen.peek();
    const asked = JSON.stringify([kind.peek(), index, kind.peek() === "shape" && config.resolution]);
    try {
      if (asked !== shown) images = repeated(await specimenOf(context, kind.peek(), index), DRAWS);
      shown = asked;
      drawn = { ...(await engine.augmented(images, DRAWS, { config, recipe })), config };
      showProblem(problem, null);
      paint();
    } catch (error) {
      showProblem(problem, error);
    }
  });

  function paint() {
    if (!drawn) return grid.setAttribute("aria-label", t("wall.title"));
    const { inputs, windows, config } = drawn;
    const colours = coloursOf(inputs, config, asSeen.checked);
    canvases.forEach((canvas, i) => paintRgb(canvas, colours, config.resolution, i));
    const { mirrored, shift, sizes, cut } = summaryOf(windows, config.resolution);
    const told = { mirrored, shift: number(shift), sizes: sizes.map((size) => number(size)).join(", "), cut };
    grid.setAttribute("aria-label", t("wall.label", told));
    say();
  }

  function say() {
    if (wanted.peek().fixed) note.textContent = t("wall.fixed");
    else note.textContent = asSeen.checked ? t("feed.normalised.how", { limit: number(LIMIT) }) : t("wall.how");
  }

  effect(() => {
    setOptions(
      picture,
      kinds.value.map((one) => h("option", { value: one }, t(`wall.picture.${one}`))),
    );
    picture.value = kind.value;
  });
  effect(() => {
    currentLanguage();
    paint();
    say();
  });
  follow(
    () => open.value && [wanted.value, kind.value, chosen.value],
    (asked) => asked && drawing.ask(),
  );
  return element;
}
