/**
 * The context that every view receives.
 * @typedef {object} Context
 * @property {import("../engine/engine.js").Engine} engine
 * @property {import("../lab/core.js").Core} core
 * @property {import("../lab/state.js").PageState} state
 * @property {import("../lab/library.js").Library} library
 * @property {import("../lab/model.js").Model} model
 * @property {import("../lab/session/session.js").Session} session
 * @property {import("../lab/project.js").Project} project
 * @property {import("../lab/cifar.js").Cifar} cifar
 */
export {};
