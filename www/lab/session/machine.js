/**
 * What a session may be doing, what can happen meanwhile, and what comes of it. Pure: it knows no engine, no storage, no page.
 *
 * @typedef {"idle" | "starting" | "running" | "pausing" | "paused" | "stopping"} State
 *
 * What a person does: `start`, `recover`, `resume`, `pause`, `stop`, `giveUp`, `evaluateAll`. What comes of an effect: `ready`
 * or `refused` of prepare; `halted` of train, before the last epoch's end, or `finished` at it; `kept` of checkpoint; `over` of
 * finish and cutOff; `failed` of any, when the training can go on, and `lost` when it is gone.
 *
 * @typedef {"start" | "recover" | "resume" | "pause" | "stop" | "giveUp" | "evaluateAll" |
 *   "ready" | "refused" | "halted" | "finished" | "kept" | "over" | "failed" | "lost"} Event
 *
 * `prepare`: data, weights and trainer; `train`: step after step; `abort`: ends steps, an evaluation or what is being prepared;
 * `checkpoint`: keeps all it takes to go on; `evaluate`: on a sample; `evaluateAll`: on all, or gives that up; `finish`: ends
 * the run after its last epoch, `cutOff` before it; `tell`: what went wrong; `goBack`: to the last checkpoint; `restart`: of the
 * engine; `release`: another tab may have the run.
 *
 * @typedef {"prepare" | "train" | "abort" | "checkpoint" | "evaluate" | "evaluateAll" | "finish" | "cutOff" | "tell" |
 *   "goBack" | "restart" | "release"} Effect
 */

/**
 * Of each state what can happen in it: the next state, then the effects in their order. Whatever is missing comes too late, or
 * too early, and changes nothing.
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
