/** A camera on the page: its picture with buttons below, or why there is none. */
import { h } from "../dom.js";
import { EngineError } from "../errors.js";
import { explainError, t } from "../i18n.js";

/** Errors of ours for what browsers call these. @type {Record<string, string>} */
const REFUSALS = { NotAllowedError: "camera-refused", NotFoundError: "no-camera" };

/**
 * @param {object} options
 * @param {string} options.name of its class
 * @param {HTMLElement} options.action the button for what the camera is there for
 * @param {HTMLElement} options.opener the button that starts it
 * @param {HTMLElement[]} [options.below] what stands below the buttons
 * @param {(stream: MediaStream) => void} [options.opened]
 * @param {() => void} [options.closed] also where it could not be opened
 */
export function createViewfinder({ name, action, opener, below = [], opened = () => {}, closed = () => {} }) {
  /** @type {MediaStream | null} */
  let stream = null;
  /** Counts starts and stops: what was asked for before the last one is no longer wanted. */
  let turn = 0;
  let wanted = false;
  const video = h("video", { muted: true, playsinline: true, "t-aria-label": "camera.label" });
  const close = h("button", { type: "button", t: "camera.close", onclick: stop });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const actions = h("div", { class: "actions" }, action, close);
  const live = h("div", { class: `${name}-live`, hidden: true }, video, actions, ...below);
  const element = h("div", { class: name }, live);

  async function start() {
    stop();
    wanted = true;
    const mine = turn;
    problem.hidden = true;
    try {
      if (!navigator.mediaDevices) throw new EngineError("insecure", "there are no mediaDevices");
      const found = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: 640 } });
      if (mine !== turn) return end(found);
      stream = found;
      for (const track of found.getTracks())
        track.onended = () => mine === turn && fail(new EngineError("camera-lost", "its track has ended"));
      video.srcObject = stream;
      live.hidden = false;
      await video.play();
      if (mine !== turn) return;
      action.focus();
      opened(stream);
    } catch (error) {
      if (mine !== turn) return;
      const { name, message } = /** @type {Error} */ (error);
      fail(name in REFUSALS ? new EngineError(REFUSALS[name], message) : error);
    }
  }

  /** @param {unknown} error */
  function fail(error) {
    stop();
    problem.textContent = t("camera.problem", { reason: explainError(error) });
    problem.hidden = false;
  }

  function stop() {
    turn++;
    end(stream);
    stream = null;
    const focused = live.contains(document.activeElement);
    live.hidden = true;
    if (!wanted) return;
    wanted = false;
    closed();
    if (focused) opener.focus();
  }

  /** @param {MediaStream | null} over */
  function end(over) {
    for (const track of over?.getTracks() ?? []) track.stop();
  }

  return {
    element,
    problem,
    video,
    start,
    stop,
    get stream() {
      return stream;
    },
  };
}
