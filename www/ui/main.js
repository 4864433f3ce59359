/** Wires the page together; the logic is in the other files. */
import { createEngine } from "../engine/engine.js";
import { EngineError, isOfFile } from "../engine/errors.js";
import { Cifar } from "../lab/cifar.js";
import { coreOf } from "../lab/core.js";
import { Library } from "../lab/library.js";
import { Model } from "../lab/model.js";
import { Project } from "../lab/project.js";
import { Runs } from "../lab/runs.js";
import { Session } from "../lab/session/session.js";
import { computed, effect, follow } from "../lab/signals.js";
import { createState, ROOMS } from "../lab/state.js";
import { createApart } from "./apart/apart.js";
import { createModelBar } from "./bar/modelbar.js";
import { createClassify } from "./classify/classify.js";
import { createFoot } from "./foot.js";
import { askedThreads, showFailure, startFrame } from "./frame.js";
import { Offline } from "./offline.js";
import { loadStyle } from "./shared/dom.js";
import { addStrings, currentLanguage, LANGUAGES, moment, number, setLanguage, t } from "./shared/i18n.js";
import { later } from "./shared/later.js";
import { DRAGGED, droppedFiles, isTar, isZip } from "./shared/picturefiles.js";
import { lessonOpener } from "./lessonopener.js";
import { trainOpener } from "./trainopener.js";
import { createWelcome } from "./welcome.js";

/** @typedef {import("./context.js").Context} Context */

/** Files fetched on first use that must also be available offline. */
const LATER = [
  "ui/train/",
  "lab/duel/",
  "lab/curvesfile.js",
  "duels/",
  "ui/apart/panels/",
  "ui/lesson/",
  "lab/lesson/",
  "lessons/",
  "ui/present.",
  "ui/help.js",
  "ui/tour.js",
  "ui/handout.js",
  "vendor/uqr/",
  "i18n/",
  "ui/classify/classlist.",
  "lab/findclasses.js",
];

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
const find = (id) => /** @type {T} */ (document.getElementById(id));

/** @type {Offline | undefined} */
let offline;

async function main() {
  await startFrame();
  find("skip").onclick = () => find("rooms").focus();
  offline = new Offline();
  find("foot").replaceChildren(...createFoot(offline));
  await offline.isolate();

  const state = createState();
  state.set("page", { lang: "" }); // the frame has the link's language; from now on the person's choice holds
  effect(() => showRoom(state));
  const starting = createEngine({ threads: askedThreads() });
  const library = new Library(starting, {
    listed: (names) => names[currentLanguage()] ?? names.en,
    trained: (run) => t("weights.trained", { ...run, when: moment(run.when) }),
  });
  const project = new Project();
  const runs = new Runs();
  const [engine] = await Promise.all([starting, library.open(), project.open(), runs.open()]);
  follow(
    () => project.trained.value,
    (trained) => offerTrained(state, library, trained),
  );
  const core = coreOf(engine);
  const model = new Model(engine, state, library, project, core);
  const cifar = new Cifar(engine, core);
  const session = new Session(engine, { project, cifar }, library, runs, core);
  /** @type {Context} */
  const context = { engine, core, state, library, model, session, project, cifar };
  titleTab(state, session);
  addEventListener("beforeunload", (event) => {
    if (session.active.value || session.comparing.value !== null) event.preventDefault(); // the page's end would interrupt a run, so the browser asks first
  });
  follow(
    () => model.loaded.value !== null,
    (loaded) => loaded && offline?.keep([...engine.variants.map((name) => `engine/pkg/${name}/`), ...LATER]),
  );
  missingWeights(context);
  addEventListener("popstate", () => missingWeights(context));

  find("bar").replaceChildren(createModelBar(context, (file, options) => openWeights(context, file, options)));
  const classify = createClassify(context);
  find("panel-classify").replaceChildren(classify.element);
  find("panel-apart").replaceChildren(createApart(context));
  const openTrain = trainOpener(context, find("panel-train"));
  follow(
    () => state.room.value === "train",
    (open) => open && openTrain(),
  );
  lessonOpener(context, find("lesson"), find("lesson-place"));
  openLater(context);
  acceptDrops(context, classify.drop, async (dropped) => (await openTrain())?.drop(dropped));
}

/** @param {import("../lab/state.js").PageState} state */
function showRoom(state) {
  for (const room of ROOMS) {
    const chosen = room === state.room.value;
    const tab = find(`tab-${room}`);
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    tab.onclick = () => state.enter(/** @type {import("../lab/state.js").Room} */ (room));
    tab.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = ROOMS[(ROOMS.indexOf(room) + step + ROOMS.length) % ROOMS.length];
      find(`tab-${next}`).click();
      find(`tab-${next}`).focus();
    };
    find(`panel-${room}`).hidden = !chosen;
  }
}

/** What is fetched when it is first asked for: help, the tour, links to hand on, presenting, what a link hides. @param {Context} context */
function openLater(context) {
  const { state } = context;
  const at = (/** @type {string} */ name) => new URL(`./${name}`, import.meta.url);
  const words = () => Promise.all([addStrings("lesson"), loadStyle(at("lesson/sheet.css"))]);
  const tour = async () => {
    const [part] = await Promise.all([later(import("./tour.js"), at("tour.js")), words()]);
    part?.startTour(state);
  };
  find("about").onclick = async () => {
    const [part] = await Promise.all([later(import("./help.js"), at("help.js")), words()]);
    part?.showHelp(state, tour);
  };
  find("share").onclick = async () => {
    const [part] = await Promise.all([later(import("./lesson/share.js"), at("lesson/share.js")), words()]);
    part?.showShare(context);
  };
  const present = async () => (await later(import("./present.js"), at("present.js")))?.togglePresent(find("present"));
  find("present").onclick = present;
  document.addEventListener("keydown", ({ key, ctrlKey, altKey, metaKey, target }) => {
    const writes = target instanceof Element && target.closest("input:not([type=radio]), select, textarea");
    if (key.toLowerCase() === "p" && !writes && !ctrlKey && !altKey && !metaKey) present();
  });
  follow(
    () => Boolean(state.values.page.value.hide || state.values.page.value.lock),
    async (some) => some && (await later(import("./handout.js"), at("handout.js")))?.applyHandout(state),
  );
  follow(
    () => String(state.values.page.value.lang),
    async (lang) => {
      if (!lang) return;
      if (LANGUAGES.includes(lang)) await setLanguage(lang);
      state.set("page", { lang: "" }); // from now on the person's choice holds
    },
  );
  find("panel-classify")
    .querySelector(".classify")
    ?.append(createWelcome(tour) ?? "");
}

/**
 * Shows the room in the tab's title and, during a run, its progress, since the person may look at another tab.
 *
 * @param {import("../lab/state.js").PageState} state @param {Session} session
 */
function titleTab(state, session) {
  const done = computed(() => {
    const underWay = session.active.value && session.run.value?.end === "active";
    const share = underWay ? session.steps.value / session.total.value : session.comparing.value;
    return share === null ? null : Math.floor(100 * share);
  });
  effect(() => {
    const share = done.value === null ? "" : `${number(done.value)} % · `;
    document.title = `${share}${t(`room.${state.room.value}`)} · ${t("title")}`;
  });
}

/** Reports weights that a link names but that were opened or trained elsewhere. @param {Context} context */
function missingWeights({ state, library, model }) {
  for (const [room, key] of /** @type {const} */ ([
    ["classify", "weights"],
    ["train", "from"],
  ])) {
    const id = String(state.values[room].value[key]);
    if (!id || library.find(id)) continue;
    state.set(room, { [key]: "" });
    const code = id.startsWith("run-") || id === "classes" ? "gone-trained" : "gone";
    model.report(new EngineError(code, `the weights ${id} are not available`, { id: id.replace("file:", "") }));
  }
}

/**
 * Offers the network trained on the person's own classes, also after a reload.
 *
 * @param {import("../lab/state.js").PageState} state @param {Library} library
 * @param {import("../lab/project.js").Trained | null} trained
 */
function offerTrained(state, library, trained) {
  const id = "classes";
  const name = () => t("weights.classes");
  const before = library.find(id);
  if (trained) library.add({ id, origin: "project", name, family: id, accuracy: {}, ...trained });
  else if (before) {
    state.forget(id);
    library.remove(before);
  }
}

/**
 * Adds a weights file and uses it; a bad one changes nothing.
 *
 * @param {Context} context
 * @param {File} file
 * @param {import("../engine/protocol.js").Config} [options] what the file leaves open
 */
async function openWeights({ engine, state, library, model }, file, options) {
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const { config, labels } = await engine.about(bytes, { options });
    const title = await titleOf(library, file.name, bytes);
    const id = `file:${title}`;
    library.keep({ id, origin: "opened", title, config, labels, options }, bytes);
    if (state.room.value === "train") state.set("train", { from: id, resolution: config.resolution });
    else state.set("classify", { weights: id, resolution: 0 });
    model.report(null);
  } catch (error) {
    const reason = /** @type {EngineError} */ (error);
    const named = { name: file.name, reason };
    model.report(isOfFile(reason) ? new EngineError("unreadable", reason.message, named) : error);
  }
}

/**
 * The title of an opened file: its name, with a number if other weights have that name. Published files are often all
 * called model.safetensors.
 *
 * @param {Library} library @param {string} name @param {Uint8Array} bytes
 */
async function titleOf(library, name, bytes) {
  for (let n = 1; ; n++) {
    const title = n === 1 ? name : `${name} (${n})`;
    const entry = library.find(`file:${title}`);
    const has = entry && (await library.load(entry).catch(() => null)); // null: it is gone
    if (!has || (has.length === bytes.length && has.every((byte, i) => byte === bytes[i]))) return title;
  }
}

/**
 * Accepts files dropped anywhere: weights go to the bar, archives to Train, pictures to Classify or, if Train shows own
 * pictures, to Train.
 *
 * @param {Context} context
 * @param {(transfer: DataTransfer) => void} dropToClassify
 * @param {(dropped: File | ReturnType<typeof droppedFiles>) => void} dropToTrain receives a zip or a tar, or else
 *   pictures and folders
 */
function acceptDrops(context, dropToClassify, dropToTrain) {
  const { body } = document;
  document.ondragover = (event) => {
    event.preventDefault();
    body.classList.add("dragging");
  };
  document.ondragleave = (event) => {
    if (!event.relatedTarget) body.classList.remove("dragging");
  };
  document.ondrop = (event) => {
    event.preventDefault();
    body.classList.remove("dragging");
    const { dataTransfer: transfer } = event;
    if (!transfer || transfer.types.every((type) => type === DRAGGED)) return;
    const files = [...transfer.files];
    const weights = files.find((file) => file.name.endsWith(".safetensors"));
    const { room, values } = context.state;
    const own = room.value === "train" && values.train.value.data === "pictures";
    const archive = files.find(({ name }) => isZip(name) || isTar(name));
    if (weights) return openWeights(context, weights);
    context.state.enter(archive || own ? "train" : "classify");
    if (archive || own) dropToTrain(archive ?? droppedFiles(transfer));
    else dropToClassify(transfer);
  };
}

main().catch((error) => showFailure(find("bar"), error, offline));
