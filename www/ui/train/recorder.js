/** The camera of one class: hold to record, a few pictures a second. */
import { h } from "../shared/dom.js";
import { createViewfinder } from "../shared/viewfinder.js";

/** Milliseconds between two pictures while recording. */
const EVERY = 250;

/** @param {{take: (video: HTMLVideoElement) => Promise<void>, opener: HTMLElement, closed: () => void}} options `opener`: the button that starts it */
export function createRecorder({ take, opener, closed }) {
  /** What holds the button down, if anything. @type {object | null} */
  let held = null;
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
  const viewfinder = createViewfinder({ name: "recorder", action: hold, opener, closed });
  const { element, choice, problem, start, stop } = viewfinder;

  /** Takes a picture at once, and more while the button is held. */
  async function record() {
    if (held) return;
    const mine = (held = {});
    hold.classList.add("recording");
    while (held === mine && viewfinder.stream) {
      const next = new Promise((resolve) => setTimeout(resolve, EVERY));
      await take(viewfinder.video);
      await next;
    }
    if (held === mine) release();
  }
  function release() {
    held = null;
    hold.classList.remove("recording");
  }
  return { element, choice, problem, start, stop };
}
