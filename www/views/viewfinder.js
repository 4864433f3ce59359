/** A camera on the page: its picture with buttons below, or why there is none. */
import { h } from "../dom.js";
import { explainError, t } from "../i18n.js";

/**
 * @param {object} options
 * @param {string} options.name of its class
 * @param {HTMLElement} options.action the button for what the camera is there for
 * @param {HTMLElement[]} [options.below] what stands below the buttons
 * @param {(stream: MediaStream) => void} [options.opened]
 * @param {() => void} [options.closed]
 */
export function createViewfinder({ name, action, below = [], opened = () => {}, closed = () => {} }) {
  /** @type {MediaStream | null} */
  let stream = null;
  const video = h("video", { muted: true, playsinline: true, "t-aria-label": "camera.label" });
  const close = h("button", { type: "button", t: "camera.close", onclick: stop });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const actions = h("div", { class: "actions" }, action, close);
  const live = h("div", { class: `${name}-live`, hidden: true }, video, actions, ...below);
  const element = h("div", { class: name }, live, problem);

  async function start() {
    problem.hidden = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: 640 } });
      video.srcObject = stream;
      live.hidden = false;
      await video.play();
      action.focus();
      opened(stream);
    } catch (error) {
      stop();
      problem.textContent = t("camera.problem", { reason: explainError(error) });
      problem.hidden = false;
    }
  }

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    if (!live.hidden) closed();
    live.hidden = true;
  }

  return {
    element,
    video,
    start,
    stop,
    get stream() {
      return stream;
    },
  };
}
