/* Follows Jupyter's theme: class hh-dark on an element whose page is dark. */

export function followTheme(element) {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  function look() {
    const styles = getComputedStyle(element);
    const page = styles.getPropertyValue("--jp-layout-color0").trim() || "#ffffff";
    probe.fillStyle = "#ffffff";
    probe.fillStyle = page;
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    element.classList.toggle("hh-dark", 0.299 * r + 0.587 * g + 0.114 * b < 110);
  }
  const watcher = new MutationObserver(() => requestAnimationFrame(look));
  const watched = { attributes: true, attributeFilter: ["class", "data-jp-theme-light", "data-jp-theme-name", "data-theme"] };
  watcher.observe(document.body, watched);
  watcher.observe(document.documentElement, watched);
  requestAnimationFrame(look);
  look();
  return () => watcher.disconnect();
}
