// The import rule of the JavaScript (ARCHITECTURE.md), for dependency-cruiser: engine ← lab ← ui, no circles.

/** @param {string} name @param {string} comment @param {object} from @param {object} to @param {string} [scope] */
const forbid = (name, comment, from, to, scope = "module") => ({ name, comment, severity: "error", scope, from, to });

/** Views that stand beside each other. */
const ROOMS = "^www/ui/(bar|classify|train|apart)/";
/** What documents and workers start with. */
const STARTS = "^www/(ui/main|ui/bench/main|engine/worker|engine/thread|lab/shrinker)[.]js$";
/** Files that hold types alone, and scripts. */
const NO_MODULES = "^www/(engine/protocol|ui/context|ui/failed|files|service-worker)[.]js$";

export default {
  forbidden: [
    forbid("no-circle", "two files that need each other are one, or lack a third", {}, { circular: true }),
    forbid("no-circle-of-folders", "nor do two folders", {}, { circular: true }, "folder"),
    forbid(
      "engine-is-whole",
      "the npm package imports nothing but itself",
      { path: "^www/engine/" },
      { pathNot: "^www/engine/" },
    ),
    forbid(
      "lab-knows-no-view",
      "what the page is about has no DOM",
      { path: "^www/lab/" },
      { pathNot: "^www/(lab|engine)/|/vendor/" },
    ),
    forbid(
      "storage-knows-no-lab",
      "it keeps what it is given",
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
      "it is what rooms share",
      { path: "^www/ui/shared/" },
      { path: "^www/ui/", pathNot: "^www/ui/shared/" },
    ),
    forbid(
      "rooms-know-only-themselves",
      "what two rooms need belongs into ui/shared/",
      { path: ROOMS },
      { path: "^www/ui/", pathNot: "^www/ui/($1|shared)/" },
    ),
    forbid(
      "it-is-there",
      "dist/vendor/ is made by the build; everything else lies in www/",
      {},
      { couldNotResolve: true, pathNot: "/vendor/" },
    ),
    forbid(
      "is-used",
      "a file that no document and no worker reaches is dead",
      { path: STARTS },
      { path: "^www/", pathNot: `${STARTS}|${NO_MODULES}`, reachable: false },
    ),
  ],
};
