// The confusion matrix on a canvas: cells are few (most are empty), so all are drawn anew each time.
(() => {
  const data = JSON.parse(document.getElementById("matrix-data").textContent);
  const count = data.names.length;
  const canvas = document.querySelector("#matrix canvas");
  const tip = document.getElementById("tip");
  const scale = document.getElementById("scale");
  const byPlace = new Map(data.cells.map((cell) => [cell[0] * count + cell[1], cell]));
  const FAINTEST = 1e-4; // share at the foot of the logarithmic scale
  const NAMES_FROM = 11; // pixels of a cell at which its bone's name fits
  let zoom = 1, left = 0, top = 0; // left and top in cells
  let pointed = null; // [row, column]
  let side = 0, gutter = 0;

  const spans = []; // [group, first, one past the last]
  data.groups.forEach((group, place) => {
    const last = spans.at(-1);
    if (last && last[0] === group) last[2] = place + 1;
    else spans.push([group, place, place + 1]);
  });

  const strength = (share) => {
    if (scale.value === "linear") return Math.max(share, 0.04);
    if (scale.value === "sqrt") return Math.max(Math.sqrt(share), 0.08);
    return Math.min(1, Math.max(0.12, 1 + Math.log10(Math.max(share, FAINTEST)) / 4));
  };
  const cellSize = () => (side / count) * zoom;
  const settle = () => {
    zoom = Math.min(Math.max(zoom, 1), Math.max(1, count / 6));
    const room = count - count / zoom;
    left = Math.min(Math.max(left, 0), room);
    top = Math.min(Math.max(top, 0), room);
  };

  // Moves labels of thin groups apart: first towards the end, then back from it.
  const spread = (written) => {
    const LINE = 13;
    written.forEach((one, n) => { if (n) one[1] = Math.max(one[1], written[n - 1][1] + LINE); });
    let free = side - 4;
    for (const one of [...written].reverse()) {
      one[1] = Math.min(one[1], free);
      free = one[1] - LINE;
    }
  };

  const draw = () => {
    const wide = canvas.clientWidth;
    gutter = wide < 640 ? 96 : 132;
    side = wide - gutter - 2;
    const high = gutter + side + 2;
    const dense = window.devicePixelRatio || 1;
    canvas.style.height = `${high}px`;
    canvas.width = Math.round(wide * dense);
    canvas.height = Math.round(high * dense);
    settle();
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    const kinds = data.kinds.map((kind) => color(`--${kind}`));
    const pen = canvas.getContext("2d");
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.clearRect(0, 0, wide, high);
    const size = cellSize();
    const x = (column) => gutter + (column - left) * size;
    const y = (row) => gutter + (row - top) * size;

    pen.save();
    pen.beginPath();
    pen.rect(gutter, gutter, side, side);
    pen.clip();
    pen.fillStyle = color("--shade");
    spans.forEach(([, first, end]) => pen.fillRect(x(first), y(first), (end - first) * size, (end - first) * size));
    const gap = size > 6 ? 0.5 : 0;
    for (const [row, column, , share, kind] of data.cells) {
      pen.globalAlpha = strength(share);
      pen.fillStyle = kinds[kind];
      pen.fillRect(x(column) + gap, y(row) + gap, Math.max(size - 2 * gap, 1.2), Math.max(size - 2 * gap, 1.2));
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = color("--faint");
    pen.lineWidth = 0.6;
    pen.beginPath();
    for (const [, first] of spans.slice(1)) {
      pen.moveTo(x(first), gutter);
      pen.lineTo(x(first), gutter + side);
      pen.moveTo(gutter, y(first));
      pen.lineTo(gutter + side, y(first));
    }
    pen.stroke();
    if (pointed) {
      pen.strokeStyle = color("--ink");
      pen.lineWidth = 1;
      pen.globalAlpha = 0.5;
      pen.strokeRect(gutter - 5, y(pointed[0]), side + 10, size);
      pen.strokeRect(x(pointed[1]), gutter - 5, size, side + 10);
      pen.globalAlpha = 1;
    }
    pen.restore();
    pen.strokeStyle = color("--line");
    pen.strokeRect(gutter, gutter, side, side);

    pen.textBaseline = "middle";
    const font = (pixels, weight) => { pen.font = `${weight} ${pixels}px system-ui, "Segoe UI", Arial, sans-serif`; };
    const names = size >= NAMES_FROM;
    font(names ? Math.min(12, size - 1) : wide < 640 ? 10 : 12, "normal");
    const labels = names
      ? data.names.map((name, place) => [name, place + 0.5])
      : spans.map(([group, first, end]) => [group.replaceAll("_", " "), (first + end) / 2]);
    // Rows and columns may show other parts of the matrix, so each is written on its own.
    for (const horizontal of [false, true]) {
      const start = horizontal ? left : top;
      const written = labels
        .map(([text, place]) => [text, (place - start) * size])
        .filter(([, at]) => at > -1 && at < side + 1);
      if (!names) spread(written);
      for (const [text, at] of written) {
        const here = pointed && names && data.names[pointed[horizontal ? 1 : 0]] === text;
        pen.fillStyle = here ? color("--accent") : color("--ink");
        pen.save();
        if (horizontal) {
          pen.translate(gutter + at, gutter - 6);
          pen.rotate(-Math.PI / 2);
          pen.textAlign = "left";
          pen.fillText(text, 0, 0, gutter - 10);
        } else {
          pen.textAlign = "right";
          pen.fillText(text, gutter - 6, gutter + at, gutter - 10);
        }
        pen.restore();
      }
    }
  };

  const percent = (share) => (share < 0.0005 ? "<0.1%" : `${(100 * share).toFixed(1)}%`);
  const tell = (row, column) => {
    const reference = data.names[row], prediction = data.names[column];
    const cell = byPlace.get(row * count + column);
    tip.replaceChildren();
    if (row < 0 || column < 0 || row >= count || column >= count) return;
    const title = document.createElement("b");
    title.textContent = `${reference} → ${prediction}`;
    tip.append(title, document.createElement("br"));
    if (!cell) {
      tip.append("no voxel");
      return;
    }
    const whole = row === count - 1 ? `all voxels called ${prediction}` : reference;
    tip.append(`${cell[2].toLocaleString("en")} voxel${cell[2] === 1 ? "" : "s"}, ${percent(cell[3])} of ${whole}`, document.createElement("br"), data.words[cell[4]]);
  };
  const show = (row, column) => {
    pointed = row >= 0 && column >= 0 && row < count && column < count ? [row, column] : null;
    tell(row, column);
    draw();
    if (!pointed) return;
    const size = cellSize();
    const x = gutter + (column + 1 - left) * size, y = gutter + (row + 1 - top) * size;
    tip.style.left = `${Math.min(x + 8, canvas.clientWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${y + 8}px`;
  };
  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    const x = event.clientX - box.left - gutter, y = event.clientY - box.top - gutter;
    if (x < 0 || y < 0 || x >= side || y >= side) return [-1, -1];
    return [Math.floor(top + y / cellSize()), Math.floor(left + x / cellSize())];
  };
  // Zooms so that the given point, in cells, stays where it is.
  const zoomBy = (factor, row, column) => {
    const before = zoom;
    zoom *= factor;
    settle();
    left = column - (column - left) * (before / zoom);
    top = row - (row - top) * (before / zoom);
    settle();
    draw();
  };
  const middle = () => [top + count / zoom / 2, left + count / zoom / 2];

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, y: event.clientY, left, top, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag && event.buttons) {
      const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
      drag.moved ||= Math.hypot(dx, dy) > 4;
      if (drag.moved) {
        left = drag.left - dx / cellSize();
        top = drag.top - dy / cellSize();
        tip.replaceChildren();
        pointed = null;
        draw();
      }
      return;
    }
    show(...placeOf(event));
  });
  canvas.addEventListener("pointerup", (event) => {
    const [row, column] = placeOf(event);
    if (drag && !drag.moved && row >= 0) {
      if (event.pointerType === "mouse" && cellSize() < 2 * NAMES_FROM) zoomBy(2.5, row + 0.5, column + 0.5);
      show(...placeOf(event));
    }
    drag = null;
    canvas.style.touchAction = zoom > 1 ? "none" : "auto";
  });
  canvas.addEventListener("pointerleave", () => show(-1, -1));
  canvas.addEventListener("wheel", (event) => {
    const [row, column] = placeOf(event);
    if (!(event.ctrlKey || event.metaKey) || row < 0) return;
    event.preventDefault();
    zoomBy(event.deltaY < 0 ? 1.25 : 0.8, row + 0.5, column + 0.5);
  }, { passive: false });
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "+" || event.key === "-") {
      zoomBy(event.key === "+" ? 1.5 : 1 / 1.5, ...(pointed ?? middle()));
    } else if (event.key === "Escape") {
      show(-1, -1);
    } else if (STEPS[event.key]) {
      event.preventDefault();
      const at = pointed ?? [0, 0];
      const next = at.map((place, axis) => Math.min(Math.max(place + STEPS[event.key][axis], 0), count - 1));
      reveal(...next);
    }
  });
  const reveal = (row, column) => {
    const seen = count / zoom;
    if (row < top || row + 1 > top + seen) top = row + 0.5 - seen / 2;
    if (column < left || column + 1 > left + seen) left = column + 0.5 - seen / 2;
    settle();
    show(row, column);
  };
  document.getElementById("closer").addEventListener("click", () => zoomBy(1.6, ...middle()));
  document.getElementById("farther").addEventListener("click", () => zoomBy(1 / 1.6, ...middle()));
  document.getElementById("whole").addEventListener("click", () => {
    zoom = 1;
    show(-1, -1);
  });
  scale.addEventListener("change", draw);
  document.getElementById("names").append(...data.names.map((name) => new Option(name, name)));
  document.getElementById("find").addEventListener("change", (event) => {
    const place = data.names.indexOf(event.target.value);
    if (place < 0) return;
    zoom = Math.max(zoom, (2 * NAMES_FROM * count) / side / 1.5);
    settle();
    left = top = place + 0.5 - count / zoom / 2;
    reveal(place, place);
  });
  new ResizeObserver(draw).observe(canvas.parentElement);
  for (const query of ["(prefers-color-scheme: dark)", "print"]) window.matchMedia(query).addEventListener("change", draw);
  window.addEventListener("beforeprint", draw);
  draw();
})();
