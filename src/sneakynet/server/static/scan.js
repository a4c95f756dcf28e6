import { ask, complain, links, names, root, show } from "./server.js";

const at = (id) => document.getElementById(id);
const id = location.pathname.split("/").filter(Boolean).pop();
const PAUSE = 1000; // ms between looks

async function bones() {
  const record = await ask(`api/scans/${id}/statistics`);
  at("bones").hidden = false;
  at("bones").querySelector("tbody").replaceChildren(...record.bones.map((bone) => {
    const row = document.createElement("tr"), name = document.createElement("th");
    name.textContent = bone.name.replaceAll("_", " ");
    row.append(name, ...[bone.volume_ml, bone.mean_hu].map((value) => {
      const cell = document.createElement("td");
      cell.className = "n";
      cell.textContent = value?.toFixed(1) ?? "";
      return cell;
    }));
    row.insertCell().textContent = bone.touches_edge ? "yes" : "";
    return row;
  }));
}

function view() {
  // The address of the data counts from the viewer's page.
  const address = new URL(`view/index.html?data=../api/scans/${id}/view/view.json`, root);
  at("view").querySelector("iframe").src = at("view").querySelector("a").href = address;
  at("view").hidden = false;
}

async function tick() {
  try {
    const scan = await ask(`api/scans/${id}`);
    document.body.className = scan.state;
    show(scan, { word: at("word"), bar: at("progress"), detail: at("detail") });
    at("notes").hidden = scan.notes.length === 0;
    at("notes").replaceChildren(...scan.notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })));
    at("order").hidden = scan.order === null;
    at("order").querySelector("span").textContent = scan.order;
    links(scan, at("downloads"));
    complain();
    if (scan.view && at("view").hidden) view();
    if (scan.results.includes("picture") && at("picture").hidden) {
      at("picture").src = new URL(`api/scans/${id}/picture`, root);
      at("picture").hidden = false;
    }
    if (scan.results.includes("statistics") && at("bones").hidden) await bones();
    if (scan.state === "failed" || (scan.state === "done" && scan.delivery !== "waiting")) return;
  } catch (error) {
    complain(error);
    if (error.status === 401) { location.href = root; return; }
    if (error.status === 404) return;
  }
  setTimeout(tick, PAUSE);
}

document.title = `${names.of(id)} - SneakyNet`;
at("name").textContent = names.of(id);
tick();
