/** CIFAR-10 as the data of a training: where it is available, and how to open or fetch it. */
import { OWN } from "../../lab/duel/record.js";
import { switchData } from "../../lab/settings.js";
import { effect, follow } from "../../lab/signals.js";
import { h, setWords, turnOff } from "../shared/dom.js";
import { bytes, explainError, percent, t } from "../shared/i18n.js";

/** Its authors' address. */
const ARCHIVE = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";

/** @param {import("../context.js").Context} context */
export function createCifar({ state, session, cifar }) {
  const picker = h("input", { type: "file", accept: ".gz,.tgz,.tar", hidden: true, onchange: pick });
  const where = h("p", { role: "status", tabindex: -1 });
  const open = h("button", { type: "button", t: "cifar.open", onclick: () => picker.click() });
  const fetch = h("button", { type: "button", t: "cifar.fetch", onclick: () => take(() => cifar.fetch()) });
  const ways = h(
    "ul",
    { class: "ways" },
    h("li", {}, open, picker, h("p", { class: "hint" }, h("span", { t: "cifar.open.hint" }), " ", link())),
    h("li", {}, fetch, h("p", { class: "hint", t: "cifar.fetch.hint" })),
  );
  const progress = h("progress", { max: 1, value: 0, "t-aria-label": "cifar.progress" });
  const share = h("span", { class: "number" });
  const cancel = h("button", { type: "button", t: "cancel", onclick: () => cifar.cancel() });
  const waiting = h("div", { class: "adding actions" }, share, progress, cancel);
  const remove = h("button", { type: "button", t: "cifar.remove", onclick: () => cifar.forget() });
  const problem = h("p", { class: "problem", role: "alert" });
  const element = h(
    "section",
    { class: "panel cifar", "t-aria-label": "cifar.title" },
    h("h2", { t: "cifar.title" }),
    h("p", { t: "cifar.hint" }),
    where,
    waiting,
    ways,
    remove,
    problem,
  );

  function link() {
    return h("a", { href: ARCHIVE, target: "_blank", rel: "noopener" }, new URL(ARCHIVE).host);
  }

  function pick() {
    const [file] = picker.files ?? [];
    picker.value = "";
    if (file) take(() => cifar.open(file));
  }

  /** Keeps the keyboard's focus in the panel, whose buttons come and go. @param {() => Promise<void>} begin */
  async function take(begin) {
    const over = begin();
    where.focus();
    await over;
    if (document.activeElement === document.body) where.focus();
  }

  /** Where it is, in words. */
  function describe() {
    const { bytes: size, stored, checked } = cifar.kept.value;
    if (cifar.share.value !== null) return t("cifar.taking");
    if (!size) return cifar.place.value ? t(`cifar.at.${cifar.place.value}`) : "";
    const words = t(stored ? "cifar.kept" : "cifar.unkept", { size: bytes(size) });
    return checked ? `${words} ${t("cifar.checked")}` : words;
  }

  function update() {
    const { value: place } = cifar.place;
    const part = cifar.share.value;
    const focused = element.contains(document.activeElement) && document.activeElement;
    setWords(where, describe());
    waiting.hidden = part === null;
    if (part !== null) {
      progress.value = part;
      share.textContent = percent(part);
    }
    ways.hidden = place !== "nowhere";
    remove.hidden = !cifar.kept.value.bytes;
    turnOff(remove, session.active.value); // a training may need it
    problem.hidden = !cifar.problem.value;
    problem.textContent = cifar.problem.value ? explainError(cifar.problem.value) : "";
    if (focused instanceof HTMLElement && !focused.checkVisibility()) where.focus();
  }

  /** Whether what is shown is trained on it: a ready-made comparison chooses for itself. */
  const isShown = () => {
    const { compare, data, view } = state.values.duel.value;
    const chosen = compare === "" || compare === OWN ? state.values.train.value.data : view === "" && data;
    return chosen === "cifar-10";
  };
  effect(update);
  effect(() => (element.hidden = !isShown()));
  follow(
    () => isShown() && state.room.value === "train",
    (shown) => shown && cifar.look(),
  );
  return {
    element,
    /** Opens an archive dropped on the page. @param {File} archive */
    drop(archive) {
      state.set("train", switchData(state.values.train.value, "cifar-10"));
      cifar.open(archive);
    },
  };
}
