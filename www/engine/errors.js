/** Whether the file itself is at fault. @param {{code: string}} error */
export const isOfFile = ({ code }) => code === "core" || code.startsWith("foreign-") || code.startsWith("weights-");

/**
 * An error with a code for the page's translated message (`error.CODE` in i18n); `message` is for developers. The
 * core's own messages (a tensor's two shapes, a setting's range) have the code `core`.
 */
export class EngineError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {Record<string, string | number | Error>} [values] mentioned in the page's message
   */
  constructor(code, message, values = {}) {
    super(message);
    this.name = "EngineError";
    this.code = code;
    this.values = values;
  }
}
