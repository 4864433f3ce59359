/** The camera, classified as it runs; a picture can be taken from it. */
import { EngineError } from "../../engine/errors.js";
import { canvasTellsTruth } from "../../engine/pixels.js";
import { h } from "../shared/dom.js";
import { figure, t } from "../shared/i18n.js";
import { createViewfinder } from "../shared/viewfinder.js";

/** Milliseconds over which the rate is counted. */
const WINDOW = 2000;

/**
 * @param {{model: import("../../lab/model.js").Model, top: () => number, take: (picture: Blob) => void,
 *   showResult: (result: import("../../engine/protocol.js").Classification) => void, opened: () => void, closed: () => void}} options `top`: classes shown
 */
export function createCamera({ model, top, take, showResult, opened, closed }) {
  const shoot = h("button", { type: "button", class: "primary", t: "camera.take", onclick: keep });
  const rate = h("p", { class: "number muted camera-rate" }, "…");
  const button = h("button", {
    type: "button",
    "data-control": "camera",
    t: "camera.open",
    onclick: () => viewfinder.start(),
  });
  const viewfinder = createViewfinder({
    name: "camera",
    action: shoot,
    opener: button,
    below: [rate],
    opened: (stream) => {
      opened();
      watch(stream);
    },
    closed,
  });
  const { element, choice, problem, video, stop, fail } = viewfinder;

  /** Classifies one frame after the other while this stream runs. @param {MediaStream} mine */
  async function watch(mine) {
    /** @type {number[]} when pictures were done */
    let done = [performance.now()];
    while (viewfinder.stream === mine) {
      const result = await model.loaded.value?.classifier
        .classify(video, { k: top(), crop: true })
        .catch(() => undefined);
      if (result && viewfinder.stream === mine) {
        showResult(result);
        const now = performance.now();
        done = [...done.filter((time) => now - time < WINDOW), now];
        const seconds = (now - done[0]) / 1000;
        if (seconds > 0.5) rate.textContent = t("camera.rate", { n: figure((done.length - 1) / seconds) });
      }
      // Firefox before 132 does not say when there is another frame
      await new Promise((next) => video.requestVideoFrameCallback?.(next) ?? requestAnimationFrame(next));
    }
  }

  async function keep() {
    if (!(await canvasTellsTruth())) return fail(new EngineError("falsified", "the browser falsifies canvases"));
    const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    canvas.toBlob((blob) => blob && take(blob), "image/png");
  }

  return {
    element,
    choice,
    problem,
    button,
    stop,
    get running() {
      return viewfinder.stream !== null;
    },
    /** Whether it runs, or was asked for. */
    get wanted() {
      return viewfinder.wanted;
    },
  };
}
