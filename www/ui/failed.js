/**
 * Says that a part of the page did not load: what of a module or of one that it imports does not arrive, only its element
 * in the document hears of. No module itself, and as short as can be, so that it is there when others are not.
 */
addEventListener("error", ({ target }) => target instanceof HTMLScriptElement && showFailed(), true);

async function showFailed() {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("failed"));
  document.body.replaceChildren(template.content.cloneNode(true));
  document.body.hidden = false;
  const scripts = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js"));
  for (const { name } of scripts) {
    const type = await fetch(name).then(
      ({ headers }) => headers.get("content-type"),
      () => "",
    );
    if (!type?.startsWith("text/html")) continue;
    for (const code of document.querySelectorAll(".panel code")) code.textContent = new URL(name).pathname;
    for (const words of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".panel p")))
      words.hidden = false;
    return;
  }
}
