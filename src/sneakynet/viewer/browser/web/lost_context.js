// A browser may take the graphics card away from a page: when memory runs out, a driver starts again, a machine wakes up.

/** Then these canvases stay as they are, or empty: say so, and offer the way out. */
export function watchContexts(canvases, dialog) {
  const button = dialog.querySelector("button");
  button.onclick = () => location.reload();
  for (const canvas of canvases) {
    canvas.addEventListener("webglcontextlost", () => {
      dialog.hidden = false;
      button.focus();
    });
  }
}
