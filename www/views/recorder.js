/** The camera of one class: hold to record, a few pictures a second. */
import { h } from "../dom.js";
import { explainError, t } from "../i18n.js";

/** Milliseconds between two pictures while recording. */
const EVERY = 250;

/** @param {{take: (video: HTMLVideoElement) => Promise<void>, closed: () => void}} options */
export function createRecorder({ take, closed }) {
  /** @type {MediaStream | null} */
  let stream = null;
  let recording = false;
  const video = h("video", { muted: true, playsinline: true, "t-aria-label": "camera.label" });
  const hold = h("button", {
    type: "button",
    class: "primary hold",
    t: "recorder.hold",
    onpointerdown: (/** @type {PointerEvent} */ event) => {
      hold.setPointerCapture(event.pointerId);
      record();
    },
    onpointerup: release,
    onpointercancel: release,
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) record();
    },
    onkeyup: release,
    onblur: release,
  });
  const close = h("button", { type: "button", t: "camera.close", onclick: stop });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const live = h("div", { class: "recorder-live", hidden: true }, video, h("div", { class: "actions" }, hold, close));
  const element = h("div", { class: "recorder" }, live, problem);

  async function start() {
    problem.hidden = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: 640 } });
      video.srcObject = stream;
      live.hidden = false;
      await video.play();
      hold.focus();
    } catch (error) {
      stop();
      problem.textContent = t("camera.problem", { reason: explainError(error) });
      problem.hidden = false;
    }
  }

  /** Takes a picture at once, and more for as long as the button is held. */
  async function record() {
    if (recording) return;
    recording = true;
    hold.classList.add("recording");
    while (recording && stream) {
      const next = new Promise((resolve) => setTimeout(resolve, EVERY));
      await take(video);
      await next;
    }
    hold.classList.remove("recording");
  }
  function release() {
    recording = false;
  }

  function stop() {
    recording = false;
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    if (!live.hidden) closed();
    live.hidden = true;
  }
  return { element, start, stop };
}
