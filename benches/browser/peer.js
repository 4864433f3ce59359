// Programs that are timed natively: our command line, and the Python scripts that run peers.

import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** Milliseconds of each run of `mobilenetv2 bench` with these arguments. @param {string} program @param {string} words */
export async function bench(program, words) {
  const { stdout } = await promisify(execFile)(program, `bench --json ${words}`.split(" "));
  return JSON.parse(stdout).times_ms;
}

/**
 * Starts a program that answers each line of JSON with a line of JSON; its first line is its name.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string>} [env] added to ours
 */
export async function startPeer(program, args, env = {}) {
  const peer = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...env } });
  const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${args[0]} ended; its message is above`);
    return JSON.parse(value);
  };
  return {
    /** @type {string} */
    name: await answer(),
    ask(/** @type {object} */ request) {
      peer.stdin.write(`${JSON.stringify(request)}\n`);
      return answer();
    },
    end: () => peer.stdin.end(),
  };
}
