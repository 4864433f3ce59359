/** What else is to be had where the network in use knows little: another that comes with the page, or ImageNet's classes. */
import { PHOTO_WEIGHTS } from "../../lab/library.js";
import { effect, signal } from "../../lab/signals.js";
import { h, setWords, turnOff } from "../shared/dom.js";
import { bytes, duration, percent, t } from "../shared/i18n.js";

/** A usual line, in bits a second: how long a file takes is told for it. */
const LINE = 20e6;

/** @typedef {import("../../lab/library.js").Entry} Entry */
/** @param {Entry} entry */
const knowsImageNet = ({ config: { classes = 0 } }) => classes === 1000 || classes === 1001;
/** @param {Entry} entry */
const isHere = ({ origin, stored, bytes }) => origin !== "published" || !!stored?.whole || !!bytes;

/** @param {import("../context.js").Context} context */
export function createOffer({ state, library, model }) {
  /** Whether a person's own picture is on show. */
  const ofOwn = signal(false);
  const drawn = h(
    "p",
    { hidden: true },
    h("span", { t: "classify.drawn" }),
    " ",
    h("button", { type: "button", t: "classify.drawn.other", onclick: () => use(PHOTO_WEIGHTS) }),
  );
  const terms = h("small");
  const get = h(
    "button",
    { type: "button", class: "offer-get", hidden: true, onclick: () => use(published()?.id ?? "") },
    h("strong", { t: "offer.get" }),
    terms,
  );
  const element = h("div", { class: "offer" }, drawn, get);

  /** @param {string} weights */
  function use(weights) {
    model.report(null);
    state.set("classify", { weights, resolution: 0 });
  }

  /** The paper's own network, of those that others publish, or else any that knows ImageNet's classes. */
  function published() {
    const all = library.entries.value.filter((entry) => knowsImageNet(entry) && entry.origin === "published");
    return all.find(({ config }) => config.width === 1 && config.resolution === 224) ?? all[0];
  }

  effect(() => {
    const loaded = model.loaded.value;
    const entry = published();
    const draws = loaded?.samples === "drawings";
    drawn.hidden = !draws || !ofOwn.value;
    const here = library.entries.value.some((one) => knowsImageNet(one) && isHere(one));
    get.hidden = draws || loaded?.samples === "own" || here || !entry;
    if (get.hidden || !entry) return;
    const coming = library.fetching.value.get(entry.id);
    turnOff(get, !!coming);
    const [size, url] = [entry.size ?? 0, new URL(entry.url ?? "")];
    const time = duration((8 * size) / LINE);
    setWords(
      terms,
      coming
        ? t("offer.coming", { share: percent(coming.share), host: url.host })
        : t("offer.terms", { host: url.host, size: bytes(size), time, line: LINE / 1e6 }),
    );
  });
  return {
    element,
    /** @param {boolean} own whether a person's own picture is on show */
    update: (own) => void (ofOwn.value = own),
  };
}
