/** The camera, classified as it runs; a picture can be taken from it. */
import { h } from "../dom.js";
import { explainError, short, t } from "../i18n.js";

/** Milliseconds over which the rate is counted. */
const WINDOW = 2000;

/**
 * @param {{model: import("../model.js").Model, take: (picture: Blob) => void,
 *   showResult: (result: import("../protocol.js").Classification) => void}} options
 */
export function createCamera({ model, take, showResult }) {
  /** @type {MediaStream | null} */
  let stream = null;
  const video = h("video", { muted: true, playsinline: true, "t-aria-label": "camera.label" });
  const shoot = h("button", { type: "button", class: "primary", t: "camera.take", onclick: keep });
  const close = h("button", { type: "button", t: "camera.close", onclick: stop });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const rate = h("p", { class: "number muted camera-rate" }, "…");
  const live = h(
    "div",
    { class: "camera-live", hidden: true },
    video,
    h("div", { class: "actions" }, shoot, close),
    rate,
  );
  const element = h("div", { class: "camera" }, live, problem);
  const button = h("button", { type: "button", t: "camera.open", onclick: start });

  async function start() {
    problem.hidden = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: 640 } });
      video.srcObject = stream;
      live.hidden = false;
      await video.play();
      shoot.focus();
      watch(stream);
    } catch (error) {
      stop();
      problem.textContent = t("camera.problem", { reason: explainError(error) });
      problem.hidden = false;
    }
  }

  /** Classifies one frame after the other while this stream runs. @param {MediaStream} mine */
  async function watch(mine) {
    /** @type {number[]} when pictures were done */
    let done = [performance.now()];
    while (stream === mine) {
      const result = await model.loaded?.classifier.classify(video, { k: 5, crop: true }).catch(() => undefined);
      if (result && stream === mine) {
        showResult(result);
        const now = performance.now();
        done = [...done.filter((time) => now - time < WINDOW), now];
        const seconds = (now - done[0]) / 1000;
        if (seconds > 0.5) rate.textContent = t("camera.rate", { n: short((done.length - 1) / seconds) });
      }
      await new Promise((next) => video.requestVideoFrameCallback(next));
    }
  }

  function keep() {
    const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    canvas.toBlob((blob) => blob && take(blob), "image/png");
  }

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    live.hidden = true;
  }

  return {
    element,
    button,
    stop,
    get running() {
      return stream !== null;
    },
  };
}
