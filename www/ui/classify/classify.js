/** The first room: a picture, what the network saw of it, and what it says. */
import { latest } from "../../lab/latest.js";
import { batch, computed, follow } from "../../lab/signals.js";
import { h, setWords } from "../shared/dom.js";
import { currentLanguage, explainError, t } from "../shared/i18n.js";
import { chosenFiles, droppedFiles, pastedFiles } from "../shared/picturefiles.js";
import { createAnswer } from "./answer.js";
import { createCamera } from "./camera.js";
import { createCrop } from "./crop.js";
import { createNames } from "../shared/classnames.js";
import { createSamples } from "./samples.js";
import { createStrip } from "./strip.js";
import { createWays } from "./ways.js";

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
export function createClassify(context) {
  const { engine, core, state, model, project } = context;
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
  const samples = createSamples({ engine, state, model, project, choose });
  const names = createNames(model);
  const says = createAnswer(context, { names, count });
  const ways = createWays(context, () => picker.click());
  const strip = createStrip({ select, remove });
  const element = h(
    "div",
    { class: "classify" },
    h("p", { class: "purpose", t: "classify.purpose" }),
    h(
      "section",
      { class: "picture", "t-aria-label": "classify.picture" },
      stage,
      h("div", { class: "picture-foot" }, caption, framed.choices),
      camera.choice,
      problem,
      camera.problem,
    ),
    says.element,
    says.about,
    ways.element,
    strip.element,
    h(
      "div",
      { class: "others" },
      samples,
      h("div", { class: "actions" }, camera.button, picker, h("span", { class: "muted hovering", t: "classify.or" })),
      framed.saw,
    ),
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
    (items.length > 1 ? strip.removerOf(next) : ways.opener)?.focus();
  }

  /** Classifies the current picture, then those of the strip that have not been. */
  async function look() {
    const mine = ++turn;
    const item = current;
    if (!item || camera.running) return;
    if (model.loaded.value) says.setBusy(true);
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
      item.said = says.sayBest(result);
      drawStrip();
      clearTimeout(speaking);
      speaking = setTimeout(() => says.speak(item.said), SPOKEN_AFTER);
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
      if (result) item.said = says.sayBest(result);
    } catch (error) {
      if (mine !== turn) return;
      if (isBad(error)) fail(error, item);
      else item.said = explainError(error);
    }
    drawStrip();
  }

  /** Shows, instead of a file that the browser has trouble with, what was made of it. @param {Item} item @param {import("../../engine/engine.js").Picture} picture */
  function usePreview(item, { preview }) {
    if (!preview) return;
    URL.revokeObjectURL(item.url);
    item.url = URL.createObjectURL(preview);
  }

  /** Shows what went wrong; instead of the picture, if it was that, the first that is new, or else the one before. @param {unknown} error @param {Item} [item] */
  function fail(error, item) {
    problem.hidden = !error;
    says.setBusy(false);
    const reason = error ? explainError(error) : "";
    const bad = item && isBad(error);
    if (bad) left.push(t("classify.problem", { name: item.name(), reason }));
    setWords(problem, bad ? left.join(" ") : reason);
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
    if (camera.running) caption.textContent = t("camera.picture");
    says.show(result, camera.running || !current?.sample);
    if (result.crop) framed.showSeen(result.crop);
  }

  const drawStrip = () => strip.draw(items, current);

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
    () => [model.loaded.value, count.value, currentLanguage(), names.korean.value],
    ([loaded]) => (loaded ? refresh() : drawStrip()),
  );
  follow(
    () => state.room.value,
    (room) => room !== "classify" && camera.stop(),
  );
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
