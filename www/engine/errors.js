/** Whether it is a file that is not what it should be. @param {{code: string}} error */
export const isOfFile = ({ code }) => code === "core" || code.startsWith("foreign-") || code.startsWith("weights-");

/**
 * An error with a code by which the page finds its own words (`error.CODE` in i18n); `message` is for developers.
 * What the core itself says (a tensor's two shapes, a setting's range) comes through as code `core`.
 */
export class EngineError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {Record<string, string | number | Error>} [values] what the page's words mention
   */
  constructor(code, message, values = {}) {
    super(message);
    this.name = "EngineError";
    this.code = code;
    this.values = values;
  }
}
