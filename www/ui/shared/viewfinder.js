/**
 * A camera on the page: its picture with buttons below, the choice if there are several cameras, or why there is none.
 */
import { EngineError } from "../../engine/errors.js";
import { recall, remember } from "../../lab/remember.js";
import { h, setOptions, setWords } from "./dom.js";
import { explainError, t } from "./i18n.js";

/** Our errors for those of browsers. @type {Record<string, string>} */
const REFUSALS = {
  NotAllowedError: "camera-refused",
  NotFoundError: "no-camera",
  NotReadableError: "camera-in-use",
  OverconstrainedError: "camera-unfit",
  SecurityError: "camera-forbidden",
  AbortError: "camera-aborted",
};
/** Key under which the last chosen camera is remembered. */
const CHOICE = "camera";

/** The meaning of a browser's refusal. @param {any} error */
export function refusal(error) {
  if (error instanceof EngineError) return error;
  const { name = "", message = "" } = error ?? {};
  const bySystem = name === "NotAllowedError" && /system/i.test(message);
  const code = bySystem ? "camera-system" : (REFUSALS[name] ?? "camera-unknown");
  return new EngineError(code, message || name);
}

/** Opens the camera chosen last, or else a rear camera, if there is one. @returns {Promise<MediaStream>} */
async function openCamera() {
  if (!isSecureContext) throw new EngineError("insecure", "the page was loaded over plain http");
  if (!navigator.mediaDevices?.getUserMedia) throw new EngineError("camera-missing", "there are no mediaDevices");
  const open = (/** @type {MediaTrackConstraints} */ which) =>
    navigator.mediaDevices.getUserMedia({ video: { width: 640, ...which } });
  const chosen = recall(CHOICE);
  const any = () => open({ facingMode: "environment" });
  if (!chosen) return any();
  return open({ deviceId: { exact: chosen } }).catch((error) => {
    if (!["OverconstrainedError", "NotFoundError"].includes(error.name)) throw error;
    return any(); // it is no longer connected
  });
}

/**
 * @param {object} options
 * @param {string} options.name of its class
 * @param {HTMLElement} options.action the button that uses the camera
 * @param {HTMLElement} options.opener the button that starts it
 * @param {HTMLElement[]} [options.below] elements below the buttons
 * @param {(stream: MediaStream) => void} [options.opened]
 * @param {() => void} [options.closed] also called if it could not be opened
 */
export function createViewfinder({ name, action, opener, below = [], opened = () => {}, closed = () => {} }) {
  /** @type {MediaStream | null} */
  let stream = null;
  /** Counts starts and stops, to discard requests from before the last one. */
  let turn = 0;
  let wanted = false;
  const video = h("video", { muted: true, playsinline: true, "t-aria-label": "camera.label" });
  const close = h("button", { type: "button", t: "camera.close", onclick: stop });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const actions = h("div", { class: "actions" }, action, close);
  const live = h("div", { class: `${name}-live`, hidden: true }, video, actions, ...below);
  const choice = h("select", {
    "t-aria-label": "camera.choose",
    hidden: true,
    onchange: () => {
      remember(CHOICE, choice.value);
      start();
    },
  });
  const element = h("div", { class: name }, live);

  async function start() {
    const focused = choice === document.activeElement;
    halt();
    wanted = true;
    const mine = turn;
    problem.hidden = true;
    try {
      const found = await openCamera();
      if (mine !== turn) return end(found);
      stream = found;
      for (const track of found.getTracks())
        track.onended = () => mine === turn && fail(new EngineError("camera-lost", "its track has ended"));
      video.srcObject = stream;
      live.hidden = false;
      await video.play();
      if (mine !== turn) return;
      await offerChoice();
      if (mine !== turn) return;
      (focused ? choice : action).focus();
      opened(stream);
    } catch (error) {
      if (mine !== turn) return;
      fail(refusal(error));
      await offerChoice().catch(() => {}); // another may work
    }
  }

  /** Offers the cameras, if there are several. */
  async function offerChoice() {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    const cameras = devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
    const used = stream?.getVideoTracks()[0]?.getSettings().deviceId ?? recall(CHOICE) ?? "";
    setOptions(
      choice,
      cameras.map(({ deviceId, label }, i) =>
        h("option", { value: deviceId }, label || t("camera.nameless", { n: i + 1 })),
      ),
    );
    choice.value = used;
    choice.hidden = (!stream && problem.hidden) || cameras.length < 2;
  }

  /** @param {unknown} error */
  function fail(error) {
    stop();
    setWords(problem, t("camera.problem", { reason: explainError(error) }));
    problem.hidden = false;
  }

  function halt() {
    turn++;
    end(stream);
    stream = null;
  }

  function stop() {
    halt();
    const focused = live.contains(document.activeElement);
    live.hidden = true;
    choice.hidden = true;
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
    choice,
    problem,
    video,
    start,
    stop,
    fail,
    get wanted() {
      return wanted;
    },
    get stream() {
      return stream;
    },
  };
}
