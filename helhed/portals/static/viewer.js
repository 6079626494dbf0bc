// Keys for the image viewer: its buttons are links and do the same without this.
const viewer = document.querySelector("[data-viewer]");
const keys = { ArrowLeft: "a[rel=prev]", ArrowRight: "a[rel=next]", "+": "[data-zoom=in]", "-": "[data-zoom=out]" };
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  const scrolls = event.target.closest(".hh-viewer-frame") && event.target.closest(".hh-viewer-frame").scrollWidth > event.target.clientWidth;
  if (scrolls && event.key.startsWith("Arrow")) return;
  const link = keys[event.key] && viewer.querySelector(keys[event.key]);
  if (link) { event.preventDefault(); link.click(); }
});
