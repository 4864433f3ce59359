import { EngineError } from "./errors.js";

/**
 * Objects that the page refers to by number until it closes them.
 *
 * @template T
 * @extends {Map<number, T>}
 */
export class Held extends Map {
  /**
   * The object with this number.
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
