// What both pages need: asking the server, and saying in words where a scan stands.

export const root = new URL("..", import.meta.url); // of the server, also behind a proxy's prefix

export const RESULTS = {
  labels: "Labels (NIfTI)", segmentation: "DICOM SEG", meshes: "Surfaces (GLB)", report: "Report (HTML)",
  statistics: "Statistics (JSON)",
};

export class Refused extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

export async function ask(path, options = {}) {
  const headers = { "X-SneakyNet-Page": "1", ...options.headers };
  const answer = await fetch(new URL(path, root), { ...options, headers });
  if (!answer.ok) throw new Refused(answer.status, await reason(answer));
  return answer.status === 204 ? null : answer.json();
}

async function reason(answer) {
  try { return (await answer.json()).detail; } catch { return `the server answered ${answer.status}`; }
}

export const names = {
  all() { try { return JSON.parse(localStorage.getItem("sneakynet names")) ?? {}; } catch { return {}; } },
  of(id) { return this.all()[id] ?? `Scan ${id.slice(0, 8)}`; },
  set(id, name) { localStorage.setItem("sneakynet names", JSON.stringify({ ...this.all(), [id]: name })); },
  keep(ids) {
    const kept = Object.entries(this.all()).filter(([id]) => ids.includes(id));
    localStorage.setItem("sneakynet names", JSON.stringify(Object.fromEntries(kept)));
  },
};

export function show(scan, { word, bar, detail }) {
  word.textContent = scan.state;
  bar.hidden = scan.state !== "running";
  if (scan.progress?.total) { bar.max = scan.progress.total; bar.value = scan.progress.done; }
  else bar.removeAttribute("value");
  detail.textContent = {
    waiting: () => `place ${scan.position} in the queue`,
    running: () => scan.progress?.stage ?? "",
    done: () => `in ${scan.seconds.toFixed(1)} s` + (scan.delivery === "none" ? "" : `; to the archive: ${scan.delivery}`),
    failed: () => scan.error,
  }[scan.state]();
}

export function links(scan, into) {
  into.replaceChildren(...Object.entries(RESULTS).filter(([name]) => scan.results.includes(name)).map(([name, text]) => {
    const link = document.createElement("a");
    link.href = new URL(`api/scans/${scan.id}/${name}`, root);
    link.textContent = text;
    return link;
  }));
}

export function complain(error) {
  const fault = document.getElementById("fault");
  fault.textContent = error?.message ?? "";
  fault.hidden = !error;
}
