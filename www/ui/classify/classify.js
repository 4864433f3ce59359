/** The first room: a picture, what the network saw of it, and what it says. */
import { latest } from "../../lab/latest.js";
import { PHOTO_WEIGHTS } from "../../lab/library.js";
import { batch, computed, effect, follow } from "../../lab/signals.js";
import { h } from "../shared/dom.js";
import { className, currentLanguage, explainError, milliseconds, percent, t } from "../shared/i18n.js";
import { chosenFiles, droppedFiles, pastedFiles } from "../shared/picturefiles.js";
import { createPredictions } from "../shared/predictions.js";
import { createCamera } from "./camera.js";
import { createCrop } from "./crop.js";
import { createSamples } from "./samples.js";

/**
 * @typedef {object} Item one picture at hand
 * @property {() => string} name
 * @property {Blob} blob
 * @property {string} url
 * @property {string} said the best class, or what was wrong
 * @property {boolean} sample whether the page brought it
 */

/** Milliseconds for which an answer must hold before it is spoken: dragging the frame keeps changing it. */
const SPOKEN_AFTER = 400;

/** Whether an error is the picture's fault, which then goes. @param {any} error */
const isBad = (error) =>
  ["empty-file", "not-an-image", "damaged", "unsupported", "too-large", "no-canvas"].includes(error?.code);

/** @param {import("../context.js").Context} context */
export function createClassify({ engine, core, state, model, project }) {
  /** @type {Item[]} */
  let items = [];
  /** @type {Item | undefined} */
  let current;
  /** The picture on show; null where the engine that held it has ended. @type {{item: Item, picture: import("../../engine/engine.js").Picture | null} | undefined} */
  let opened;
  let turn = 0;
  /** Counts what is chosen: a sample that arrives after something else was is no longer wanted. */
  let choice = 0;
  /** Those that came last. @type {Item[]} */
  let fresh = [];
  /** Which of them are no pictures, and why. @type {string[]} */
  let left = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let speaking;
  /** How many classes are shown. */
  const count = computed(() => Number(state.values.classify.value.top));

  const picker = h("input", {
    type: "file",
    accept: "image/*",
    multiple: true,
    hidden: true,
    "aria-hidden": "true",
    onchange: () => {
      open(chosenFiles(picker.files ?? []));
      picker.value = "";
    },
  });
  const openButton = h("button", { type: "button", t: "classify.open", onclick: () => picker.click() });
  const camera = createCamera({
    model,
    top: () => count.value,
    showResult,
    take: (blob) => add([newItem(() => t("camera.picture"), blob, false)]),
    opened: () => choice++,
    closed: () => look(),
  });
  const framed = createCrop({ changed: () => answer.ask() });
  const hint = h("p", { class: "photo-hint", t: "classify.hint" });
  const caption = h("p", { class: "caption" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const stage = h("div", { class: "stage" }, framed.element, hint, camera.element);
  const samples = createSamples({ engine, model, project, choose });
  const predictions = createPredictions();
  const drawn = h(
    "p",
    { class: "drawn", hidden: true },
    h("span", { t: "classify.drawn" }),
    " ",
    h("button", {
      type: "button",
      t: "classify.drawn.other",
      onclick: () => state.set("classify", { weights: PHOTO_WEIGHTS, resolution: 0 }),
    }),
  );
  const none = h("p", { class: "muted", t: "classify.none" });
  const times = h("span");
  const once = h("span", { t: "classify.once", hidden: true });
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  const top = h("select", { id: "top", onchange: () => state.set("classify", { top: Number(top.value) }) });
  for (const k of [1, 3, 5, 10, 20]) top.append(h("option", { value: k }, String(k)));
  const strip = h("ul", { class: "strip", "t-aria-label": "classify.strip", hidden: true });

  const says = h(
    "section",
    { class: "panel says" },
    h(
      "header",
      {},
      h("h2", { t: "classify.says" }),
      h("label", { class: "field inline" }, h("span", { t: "classify.top" }), top),
    ),
    drawn,
    h("p", { class: "muted columns", t: "classify.probability" }),
    none,
    predictions.element,
    h("p", { class: "times number" }, times, " ", once),
    spoken,
  );
  const element = h(
    "div",
    { class: "classify" },
    h("p", { class: "purpose", t: "classify.purpose" }),
    h(
      "section",
      { class: "panel picture", "t-aria-label": "classify.picture" },
      h(
        "div",
        { class: "actions" },
        openButton,
        camera.button,
        picker,
        h("span", { class: "muted hovering", t: "classify.or" }),
      ),
      h("div", { class: "looks" }, stage, framed.saw),
      framed.choices,
      caption,
      camera.choice,
      problem,
      camera.problem,
    ),
    says,
    samples,
    strip,
  );

  /**
   * Takes a sample, unless the page only proposes it and the person has a picture of their own.
   *
   * @param {import("./samples.js").Sample} sample
   * @param {boolean} proposed
   */
  async function choose({ name, load }, proposed) {
    if (proposed && current && !current.sample) return;
    const mine = ++choice;
    try {
      const blob = await load();
      if (mine === choice) add([newItem(name, blob, true)], proposed);
    } catch (error) {
      if (mine === choice) fail(error);
    }
  }

  /** Takes the person's pictures. @param {import("../shared/picturefiles.js").Found[]} found */
  function open(found) {
    add(found.map(({ file, name }) => newItem(() => name, file, false)));
  }

  /** Takes what came by drop or paste, if it is files. @param {ReturnType<typeof droppedFiles>} coming */
  async function take(coming) {
    try {
      open(await coming);
    } catch (error) {
      fail(error);
    }
  }

  /**
   * Shows the first; where there are several, all stay in the strip. What the page only proposes takes no camera away.
   *
   * @param {Item[]} added @param {boolean} [proposed]
   */
  function add(added, proposed = false) {
    if (!added.length) return;
    choice++;
    if (!proposed || !camera.wanted) {
      current = undefined; // or the camera's end would bring it back
      camera.stop();
    }
    const several = added.length > 1;
    const kept = several || items.length > 1 ? items.filter(({ sample }) => !sample) : [];
    const before = items;
    items = [...kept, ...added];
    before.forEach(release);
    fresh = added;
    select(added[0]);
  }

  /** Lets go of a picture, unless it is in the strip or still the one on show. @param {Item} item */
  function release(item) {
    if (!items.includes(item) && item !== opened?.item) URL.revokeObjectURL(item.url);
  }

  /** @param {Item} item */
  function select(item) {
    current = item;
    left = [];
    fail(null);
    drawStrip();
    look();
  }

  /** Takes a picture out of the strip; the keyboard's focus goes on to the next one's button. @param {Item} item */
  function remove(item) {
    const at = items.indexOf(item);
    items = items.filter((other) => other !== item);
    const next = items[Math.min(at, items.length - 1)];
    release(item);
    if (item === current) select(next);
    else drawStrip();
    const beside = /** @type {HTMLElement | null | undefined} */ (rows.get(next)?.lastElementChild);
    (strip.hidden ? openButton : beside)?.focus();
  }

  /** Classifies the current picture, then those of the strip that have not been. */
  async function look() {
    const mine = ++turn;
    const item = current;
    if (!item || camera.running) return;
    if (model.loaded.value) says.setAttribute("aria-busy", "true"); // a training's step may have to end first
    try {
      if (opened?.item !== item || !opened.picture) {
        const picture = await engine.openPicture(item.blob);
        if (mine !== turn) return picture.close();
        const before = opened;
        opened = { item, picture };
        usePreview(item, picture);
        batch(() => {
          model.picture.value = picture;
          model.framing.value = {};
        });
        before?.picture?.close();
        if (before) release(before.item);
      }
      if (opened.picture) showPhoto(item, opened.picture);
      await answer.ask();
      if (!model.loaded.value) return;
    } catch (error) {
      if (mine === turn) fail(error, item);
    }
    for (const other of items) {
      if (mine !== turn) return;
      if (other !== item && !other.said) await lookAside(other, mine);
    }
  }

  /** Classifies the picture on show, with the framing chosen by then. Repeated requests are merged. */
  const answer = latest(async () => {
    const mine = turn;
    const item = current;
    const loaded = model.loaded.value;
    if (!item || !loaded || camera.running || opened?.item !== item || !opened.picture) return;
    const { picture } = opened;
    try {
      showPhoto(item, picture); // the published crop depends on the network
      const framing = (model.framing.value = framed.framing);
      const result = await loaded.classifier.classify(picture, { k: count.value, crop: true, ...framing });
      if (mine !== turn) return;
      showResult(result);
      item.said = sayBest(result.predictions);
      drawStrip();
      clearTimeout(speaking);
      speaking = setTimeout(() => (spoken.textContent = item.said), SPOKEN_AFTER);
    } catch (error) {
      if (mine === turn) fail(error, item);
    }
  });

  /** What comes once another turn has begun may be of another network, and is left to that turn. @param {Item} item @param {number} mine */
  async function lookAside(item, mine) {
    try {
      const picture = await engine.openPicture(item.blob);
      usePreview(item, picture);
      const looked = Promise.resolve(model.loaded.value?.classifier.classify(picture, { k: 1 }));
      const result = await looked.finally(() => picture.close());
      if (mine !== turn) return;
      if (result) item.said = sayBest(result.predictions);
    } catch (error) {
      if (mine !== turn) return;
      if (isBad(error)) fail(error, item);
      else item.said = explainError(error);
    }
    drawRow(item);
  }

  /** Shows, instead of a file that the browser has trouble with, what was made of it. @param {Item} item @param {import("../../engine/engine.js").Picture} picture */
  function usePreview(item, { preview }) {
    if (!preview) return;
    URL.revokeObjectURL(item.url);
    item.url = URL.createObjectURL(preview);
    rows.get(item)?.querySelector("img")?.setAttribute("src", item.url);
  }

  /** What a class is called. @param {import("../../engine/protocol.js").Prediction} prediction */
  function nameOf(prediction) {
    const name = model.loaded.value?.names[prediction.class] ?? "";
    return (model.ownNames ? name : className(name)) || t("class.number", { n: String(prediction.class) });
  }

  /** @param {import("../../engine/protocol.js").Prediction[]} predictions */
  function sayBest([best]) {
    const name = nameOf(best);
    return t("classify.best", {
      name: model.ownNames ? name : name.split(", ")[0],
      probability: percent(best.probability),
    });
  }

  /** Shows what went wrong; instead of the picture, if it was that, the first that is new, or else the one before. @param {unknown} error @param {Item} [item] */
  function fail(error, item) {
    problem.hidden = !error;
    says.setAttribute("aria-busy", "false");
    const reason = error ? explainError(error) : "";
    const bad = item && isBad(error);
    if (bad) left.push(t("classify.problem", { name: item.name(), reason }));
    problem.textContent = bad ? left.join(" ") : reason;
    if (!bad) return;
    items = items.filter((other) => other !== item);
    release(item);
    const before = opened?.item;
    if (before && !items.length) items = [before];
    if (item !== current) return drawStrip();
    current = items.find((other) => fresh.includes(other)) ?? (before && items.includes(before) ? before : items[0]);
    drawStrip();
    if (current !== before) look();
  }

  /** @param {Item} item @param {{width: number, height: number}} size */
  function showPhoto(item, { width, height }) {
    const name = (caption.textContent = item.name());
    framed.show(item, { url: item.url, name, width, height }, model.loaded.value?.classifier.config ?? {});
    hint.hidden = true;
  }

  /** @param {import("../../engine/protocol.js").Classification} result */
  function showResult(result) {
    none.hidden = true;
    if (camera.running) caption.textContent = t("camera.picture");
    drawn.hidden = model.loaded.value?.samples !== "drawings" || (!camera.running && !!current?.sample);
    says.setAttribute("aria-busy", "false");
    const named = result.predictions.map((p) => ({ name: nameOf(p), probability: p.probability }));
    predictions.show(named, model.ownNames);
    times.textContent = t("classify.times", {
      preprocess: milliseconds(result.preprocess_ms),
      network: milliseconds(result.network_ms),
    });
    once.hidden = false;
    if (result.crop) framed.showSeen(result.crop);
  }

  /** The row of each picture in the strip, which stays the same: it may be under a finger. @type {Map<Item, HTMLElement>} */
  const rows = new Map();

  function drawStrip() {
    strip.hidden = items.length < 2;
    for (const [item, row] of rows) {
      if (items.includes(item)) continue;
      row.remove();
      rows.delete(item);
    }
    if (strip.hidden) return;
    for (const item of items) {
      if (!rows.has(item)) rows.set(item, strip.appendChild(newRow(item)));
      drawRow(item);
    }
  }

  /** @param {Item} item */
  function drawRow(item) {
    const row = rows.get(item);
    if (!row) return;
    const [button, remove] = /** @type {HTMLElement[]} */ ([...row.children]);
    button.setAttribute("aria-pressed", String(item === current));
    button.lastElementChild?.replaceChildren(item.said || "…");
    remove.title = remove.ariaLabel = t("classify.remove", { name: item.name() });
  }

  /** @param {Item} item */
  const newRow = (item) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", onclick: () => select(item) },
        h("img", { src: item.url, alt: item.name() }),
        h("span", {}),
      ),
      h("button", { type: "button", class: "remove", onclick: () => remove(item) }, "×"),
    );

  function refresh() {
    for (const item of items) item.said = "";
    fail(null);
    look();
  }
  follow(
    () => core.loss.value,
    () => {
      if (opened) opened.picture = null;
    },
  );
  follow(
    () => [model.loaded.value, count.value, currentLanguage()],
    ([loaded]) => (loaded ? refresh() : drawStrip()),
  );
  follow(
    () => state.room.value,
    (room) => room !== "classify" && camera.stop(),
  );
  effect(() => (top.value = String(count.value)));
  effect(() => says.classList.toggle("old", model.outdated.value));
  addEventListener("paste", (event) => {
    if (state.room.value === "classify") take(pastedFiles(event));
  });
  return {
    element,
    /** @param {DataTransfer} transfer */
    drop: (transfer) => take(droppedFiles(transfer)),
  };
}

/** @param {() => string} name @param {Blob} blob @param {boolean} sample @returns {Item} */
function newItem(name, blob, sample) {
  return { name, blob, url: URL.createObjectURL(blob), said: "", sample };
}
