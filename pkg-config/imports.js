// The import rule of the JavaScript (ARCHITECTURE.md), for dependency-cruiser: engine ← lab ← ui, no cycles.

/** @param {string} name @param {string} comment @param {object} from @param {object} to @param {string} [scope] */
const forbid = (name, comment, from, to, scope = "module") => ({ name, comment, severity: "error", scope, from, to });

/** Views that do not import each other. */
const ROOMS = "^www/ui/(bar|classify|train|apart|lesson)/";
/** Entry points of documents and workers. */
const STARTS = "^www/(ui/main|ui/bench/main|engine/worker|engine/thread|lab/shrinker)[.]js$";
/** Files that contain only types, and scripts. */
const NO_MODULES = "^www/(engine/protocol|ui/context|ui/failed|files|service-worker)[.]js$";

export default {
  forbidden: [
    forbid("no-circle", "two files that import each other should be one, or share a third", {}, { circular: true }),
    forbid("no-circle-of-folders", "folders must not import each other either", {}, { circular: true }, "folder"),
    forbid(
      "engine-is-whole",
      "the npm package imports nothing but itself",
      { path: "^www/engine/" },
      { pathNot: "^www/engine/" },
    ),
    forbid(
      "lab-knows-no-view",
      "the lab must not use the DOM",
      { path: "^www/lab/" },
      { pathNot: "^www/(lab|engine)/|/vendor/" },
    ),
    forbid(
      "storage-knows-no-lab",
      "storage does not know its users",
      { path: "^www/lab/storage/" },
      { path: "^www/lab/", pathNot: "^www/lab/storage/" },
    ),
    forbid(
      "views-know-no-wasm",
      "only the worker loads the core",
      { path: "^www/(lab|ui)/" },
      { path: "(^|/)pkg/|^www/engine/(core|thread|worker)[.]js$" },
    ),
    forbid(
      "shared-knows-no-room",
      "rooms import shared code, not the reverse",
      { path: "^www/ui/shared/" },
      { path: "^www/ui/", pathNot: "^www/ui/shared/" },
    ),
    forbid(
      "rooms-know-only-themselves",
      "code for two rooms belongs into ui/shared/",
      { path: ROOMS },
      { path: "^www/ui/", pathNot: "^www/ui/($1|shared)/" },
    ),
    forbid(
      "it-is-there",
      "dist/vendor/ is made by the build; everything else is in www/",
      {},
      { couldNotResolve: true, pathNot: "/vendor/" },
    ),
    forbid(
      "is-used",
      "a file that no document or worker imports is dead",
      { path: STARTS },
      { path: "^www/", pathNot: `${STARTS}|${NO_MODULES}`, reachable: false },
    ),
  ],
};
