/**
 * Names of controls and parts of the page, by which a lesson rings them and a link hides or locks them (`hide=`,
 * `lock=`): the value of `data-control`, or the id.
 */

/** @param {string} name */
const selectorOf = (name) => `[data-control="${CSS.escape(name)}"], #${CSS.escape(name)}`;

/** The elements of a name, with the field around a form's control. @param {string} name @returns {HTMLElement[]} */
export const partsNamed = (name) =>
  [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selectorOf(name)))].map(
    (part) =>
      (part.matches("input, select") && /** @type {HTMLElement | null} */ (part.closest(".field, .setting"))) || part,
  );

/** The element of a name that is on show and can be used, if any. @param {string} name */
export const partOnShow = (name) => partsNamed(name).find((part) => part.checkVisibility() && !part.closest("[inert]"));

/** The first control of a part that the keyboard reaches. @param {HTMLElement} part @returns {HTMLElement} */
export const focusable = (part) =>
  part.matches("button, input, select, [tabindex]")
    ? part
    : (part.querySelector("input:checked") ??
      part.querySelector("summary, button:not(.term), select, input, [tabindex]") ??
      part);
