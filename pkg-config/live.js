// In every document that `cargo xtask dev` serves: replaces changed style sheets, and reloads on other changes.

const events = new EventSource("/live");
let lost = false;
events.onerror = () => (lost = true);
events.onopen = () => lost && location.reload(); // `cargo xtask dev` was restarted
events.onmessage = ({ data }) => {
  const changed = /** @type {string[]} */ (JSON.parse(data)).map(
    (path) => new URL(path, `${location.origin}/`).pathname,
  );
  const sheets = [.../** @type {NodeListOf<HTMLLinkElement>} */ (document.querySelectorAll('link[rel="stylesheet"]'))];
  const found = changed.map((path) => sheets.find(({ href }) => new URL(href).pathname === path));
  if (found.includes(undefined)) location.reload();
  for (const sheet of found) if (sheet) sheet.href = `${new URL(sheet.href).pathname}?${Date.now()}`;
};
