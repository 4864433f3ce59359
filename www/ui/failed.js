/**
 * Shows that a part of the page did not load: if a module or one of its imports fails to arrive, only its script
 * element gets an event. This is not a module and is as short as possible, so that it works when others do not.
 */
addEventListener("error", ({ target }) => target instanceof HTMLScriptElement && showFailed(), true);

async function showFailed() {
  const onDisk = location.protocol === "file:"; // from where browsers load no modules
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(onDisk ? "on-disk" : "failed"));
  document.body.replaceChildren(template.content.cloneNode(true));
  document.body.hidden = false;
  if (onDisk) return;
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
