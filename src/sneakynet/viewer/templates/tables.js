"use strict";
// Tables: the plain ones are sorted where they stand; that of every bone of every case is made here, a page at a time.
(() => {
  const collator = new Intl.Collator("en", { numeric: true });
  // Missing figures come last whichever way one sorts.
  const compare = (a, b, down) => {
    const none = (x) => x === null || x === "" || Number.isNaN(x);
    if (none(a) || none(b)) return none(a) - none(b);
    const order = typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
    return down ? -order : order;
  };
  const turn = (header) => {
    const down = header.getAttribute("aria-sort") === "ascending";
    for (const other of header.parentElement.children) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    return down;
  };
  const valueOf = (cell, numeric) => {
    if (!numeric) return cell.textContent;
    const text = cell.dataset.value ?? cell.textContent.replaceAll(",", "");
    return text === "" ? NaN : Number(text);
  };

  for (const table of document.querySelectorAll("table.sorts")) {
    table.tHead.addEventListener("click", (event) => {
      const header = event.target.closest("th");
      if (!header) return;
      const down = turn(header);
      const column = header.cellIndex;
      const numeric = header.classList.contains("n");
      const body = table.tBodies[0];
      const keyed = [...body.rows].map((row) => [valueOf(row.cells[column], numeric), row]);
      keyed.sort((a, b) => compare(a[0], b[0], down));
      body.append(...keyed.map((pair) => pair[1]));
    });
  }

  for (const input of document.querySelectorAll("[data-filters]")) {
    const body = document.getElementById(input.dataset.filters).tBodies[0];
    input.addEventListener("input", () => {
      const needle = input.value.trim().toLowerCase();
      for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(needle);
    });
  }

  const data = JSON.parse(document.getElementById("rows-data").textContent);
  const table = document.getElementById("rows");
  const needle = document.getElementById("needle");
  const group = document.getElementById("group");
  const most = document.getElementById("most");
  const more = document.getElementById("more");
  const dsc = data.columns.findIndex((column) => column[0] === "dsc");
  const PAGE = 100;
  let shown = PAGE;
  let rows = data.rows;

  for (const [, label, digits] of data.columns) {
    const header = document.createElement("th");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    header.scope = "col";
    if (digits >= 0) header.className = "n";
    header.append(button);
    table.tHead.rows[0].append(header);
  }
  if (dsc >= 0) table.tHead.rows[0].cells[dsc].setAttribute("aria-sort", "ascending");

  const filled = (row) => {
    const line = document.createElement("tr");
    row.forEach((value, column) => {
      const digits = data.columns[column][2];
      const cell = document.createElement("td");
      if (digits >= 0) {
        cell.className = "n";
        cell.textContent = value === null ? "–" : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
        if (column === dsc && value === 0) cell.classList.add("zero");
      } else {
        cell.textContent = value;
      }
      line.append(cell);
    });
    return line;
  };
  const draw = () => {
    const text = needle.value.trim().toLowerCase();
    const limit = most.value === "" ? Infinity : Number(most.value);
    const chosen = rows.filter((row) =>
      (text === "" || `${row[0]} ${row[1]}`.toLowerCase().includes(text)) &&
      (group.value === "" || row[2] === group.value) &&
      (dsc < 0 || row[dsc] === null || row[dsc] <= limit));
    table.tBodies[0].replaceChildren(...chosen.slice(0, shown).map(filled));
    more.hidden = shown >= chosen.length;
    document.getElementById("count").textContent = `${chosen.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
  };
  table.tHead.addEventListener("click", (event) => {
    const header = event.target.closest("th");
    if (!header) return;
    const down = turn(header);
    const column = header.cellIndex;
    rows = [...rows].sort((a, b) => compare(a[column], b[column], down));
    draw();
  });
  for (const input of [needle, group, most]) {
    input.addEventListener("input", () => {
      shown = PAGE;
      draw();
    });
  }
  more.addEventListener("click", () => {
    shown += 5 * PAGE;
    draw();
  });
  document.getElementById("bones-table").tBodies[0].addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (!row) return;
    needle.value = row.dataset.bone;
    group.value = "";
    most.value = "1";
    shown = PAGE;
    draw();
    document.getElementById("every").scrollIntoView();
  });
  draw();
})();
