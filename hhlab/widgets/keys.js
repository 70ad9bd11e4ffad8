/* Plain keys pressed inside a widget are its own: the notebook would cut, add or run cells by them.

   (JupyterLab's attribute "data-lm-suppress-shortcuts" counts only on the very element that has the
   focus.) What the browser does with a key, such as Tab or typing, stays. */

export function keepKeys(root) {
  const keep = (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  };
  root.addEventListener("keydown", keep);
  return () => root.removeEventListener("keydown", keep);
}
