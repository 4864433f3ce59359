/** The sentence below the charts where the held-out loss leaps far above the training loss. */
import { lagOf } from "../../lab/lag.js";
import { h, setWords } from "../shared/dom.js";
import { figure, t } from "../shared/i18n.js";

/** A line for it, which `show` fills. Its room is kept, so that nothing moves when it comes. */
export function createLag() {
  const element = h("p", { class: "curves-lag", role: "status" });
  /**
   * @param {{steps: import("../../lab/lag.js").Steps, evaluations: import("../../lab/lag.js").Evaluated[], fresh: number}[]} runs
   */
  function show(runs) {
    const [lag] = runs.flatMap(({ steps, evaluations, fresh }) => lagOf(steps, evaluations, fresh) ?? []);
    const words = lag && { step: lag.step, held: figure(lag.held), training: figure(lag.training) };
    setWords(element, words ? t("curves.lag", words) : "");
  }
  return { element, show };
}
