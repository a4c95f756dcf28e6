import { ask, complain, links, names, Refused, root, show } from "./server.js";

const at = (id) => document.getElementById(id);
const PAUSE = 1500; // ms between looks

async function enter(token) {
  await ask("api/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
}

async function refresh() {
  const scans = await ask("api/scans");
  names.keep(scans.map((scan) => scan.id));
  at("none").hidden = scans.length > 0;
  at("scans").hidden = scans.length === 0;
  at("scans").tBodies[0].replaceChildren(...scans.map(row));
}

function row(scan) {
  const line = at("row").content.cloneNode(true).firstElementChild;
  const part = (name) => line.querySelector(name);
  line.className = scan.state;
  part(".name").textContent = names.of(scan.id);
  part(".name").href = `scans/${scan.id}`;
  part(".came").textContent = new Date(scan.created).toLocaleString();
  show(scan, { word: part(".word"), bar: part("progress"), detail: part(".detail") });
  part(".bones").textContent = scan.bones ?? "";
  links(scan, part(".results"));
  part(".delete").onclick = async () => {
    if (!confirm(`Delete ${names.of(scan.id)} and its results from the server?`)) return;
    try { await ask(`api/scans/${scan.id}`, { method: "DELETE" }); await refresh(); } catch (error) { complain(error); }
  };
  return line;
}

// By XMLHttpRequest: fetch does not tell how much has gone out.
function send(file) {
  const line = document.createElement("li"), bar = document.createElement("progress"), text = document.createElement("span");
  line.append(file.name, bar, text);
  at("uploads").append(line);
  const form = new FormData(), request = new XMLHttpRequest();
  form.append("file", file, "scan"); // the server is not told the name
  request.open("POST", new URL("api/scans", root));
  request.setRequestHeader("X-SneakyNet-Page", "1");
  request.upload.onprogress = (event) => { bar.max = event.total; bar.value = event.loaded; };
  return new Promise((resolve) => {
    const fail = (why) => { bar.remove(); text.className = "fault"; text.textContent = why; };
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* a proxy's page */ }
      if (request.status === 201) { names.set(answer.id, file.name); line.remove(); refresh().catch(complain); }
      else fail(answer.detail ?? `the server answered ${request.status}`);
    };
    request.onerror = () => fail("the connection broke");
    request.onloadend = resolve;
    request.send(form);
  });
}

async function sendAll(files) {
  for (const file of files) await send(file);
}

function listen() {
  const drop = at("drop");
  at("files").onchange = (event) => { sendAll([...event.target.files]); event.target.value = ""; };
  drop.onkeydown = (event) => { if (event.key === "Enter") at("files").click(); };
  drop.ondragover = (event) => { event.preventDefault(); drop.classList.add("over"); };
  drop.ondragleave = () => drop.classList.remove("over");
  drop.ondrop = (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    sendAll([...event.dataTransfer.files]);
  };
  at("login").onsubmit = async (event) => {
    event.preventDefault();
    try { await enter(at("token").value.trim()); at("token").value = ""; complain(); tick(); } catch (error) { complain(error); }
  };
}

let next;
async function tick() {
  clearTimeout(next);
  try {
    if (!document.hidden) await refresh();
    at("login").hidden = true;
    at("main").hidden = false;
    complain();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) {
      at("login").hidden = false;
      at("main").hidden = true;
      return;
    }
    complain(error);
  }
  next = setTimeout(tick, PAUSE);
}

listen();
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  history.replaceState(null, "", location.pathname); // so that it stays in no history
  await enter(given).catch(complain);
}
tick();
