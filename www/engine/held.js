import { EngineError } from "./errors.js";

/**
 * What the page names by numbers until it closes it.
 *
 * @template T
 * @extends {Map<number, T>}
 */
export class Held extends Map {
  /**
   * What has this number.
   *
   * @param {number} handle
   * @returns {T}
   * @throws {EngineError} `closed`
   */
  of(handle) {
    const value = this.get(handle);
    if (!value) throw new EngineError("closed", "this classifier, trainer or picture was closed");
    return value;
  }
}
