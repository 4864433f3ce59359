/**
 * The states of a session, the events in each, and their effects. Pure: knows no engine, no storage, no page.
 *
 * @typedef {"idle" | "starting" | "running" | "pausing" | "paused" | "stopping"} State
 *
 * Events from a person: `start`, `recover`, `resume`, `pause`, `stop`, `giveUp`, `evaluateAll`. Events from effects:
 * `ready` or `refused` from prepare; `halted` from train, before the end of the last epoch, or `finished` at it; `kept`
 * from checkpoint; `over` from finish and cutOff; `failed` from any, if the training can continue, and `lost` if it is
 * gone.
 *
 * @typedef {"start" | "recover" | "resume" | "pause" | "stop" | "giveUp" | "evaluateAll" |
 *   "ready" | "refused" | "halted" | "finished" | "kept" | "over" | "failed" | "lost"} Event
 *
 * `prepare`: data, weights and trainer; `train`: step after step; `abort`: ends steps, an evaluation or a preparation;
 * `checkpoint`: stores everything needed to continue; `evaluate`: on a sample; `evaluateAll`: on everything, or stops
 * that; `finish`: ends the run after its last epoch, `cutOff` before it; `tell`: shows the error; `goBack`: to the last
 * checkpoint; `restart`: restarts the engine; `release`: lets another tab have the run.
 *
 * @typedef {"prepare" | "train" | "abort" | "checkpoint" | "evaluate" | "evaluateAll" | "finish" | "cutOff" | "tell" |
 *   "goBack" | "restart" | "release"} Effect
 */

/**
 * For each state and event: the next state, then the effects in order. Any other event comes too late or too early, and
 * changes nothing.
 *
 * @type {Record<State, Partial<Record<Event, [next: State, ...effects: Effect[]]>>>}
 */
export const TABLE = {
  idle: {
    start: ["starting", "prepare"],
    recover: ["starting", "prepare"],
    evaluateAll: ["idle", "evaluateAll"],
  },
  starting: {
    stop: ["stopping", "abort"],
    ready: ["running", "train"],
    refused: ["idle", "tell", "release"],
  },
  running: {
    pause: ["pausing", "abort"],
    stop: ["stopping", "abort"],
    halted: ["running", "checkpoint"],
    finished: ["running", "finish"],
    kept: ["paused", "evaluate"],
    over: ["idle", "release"],
    failed: ["paused", "tell"],
    lost: ["idle", "tell", "goBack", "release"],
  },
  pausing: {
    stop: ["stopping", "abort"],
    giveUp: ["pausing", "restart"],
    halted: ["pausing", "checkpoint"],
    finished: ["pausing", "finish"],
    kept: ["paused", "evaluate"],
    over: ["idle", "release"],
    failed: ["paused", "tell"],
    lost: ["idle", "tell", "goBack", "release"],
  },
  paused: {
    resume: ["running", "train"],
    stop: ["stopping", "abort", "cutOff"],
    evaluateAll: ["paused", "evaluateAll"],
    failed: ["paused", "tell"],
    lost: ["idle", "tell", "goBack", "release"],
  },
  stopping: {
    stop: ["stopping", "abort"],
    giveUp: ["stopping", "restart"],
    ready: ["stopping", "cutOff"],
    refused: ["idle", "tell", "release"],
    halted: ["stopping", "cutOff"],
    finished: ["stopping", "finish"],
    kept: ["stopping", "cutOff"],
    over: ["idle", "release"],
    failed: ["paused", "tell"],
    lost: ["idle", "tell", "goBack", "release"],
  },
};

/** @param {State} state @param {Event} event @returns {{state: State, effects: Effect[]}} */
export function next(state, event) {
  const [following, ...effects] = TABLE[state][event] ?? [state];
  return { state: following, effects };
}
