// The entry page: rows of structure, kinds of a block, panes, steps. Without these files every row is one save away.
// The files of this folder are plain scripts in this order: page, history, autosave, grid, source, paste. They share `bench`.
document.documentElement.classList.add("js");
const form = document.querySelector("form[data-entry]");
const bench = {
  form,
  address: form.action.replace(/save\/$/, ""),
  rowOf: (name) => name.split(".").slice(0, 2).join("."),
  fieldOf: (name) => name.slice(name.lastIndexOf(".") + 1),
  controls: (row) => [...form.querySelectorAll(`[name^="${CSS.escape(row)}."]`)],
  icon: (name) => {
    const svg = document.querySelector("template#icon").content.firstElementChild.cloneNode(true);
    svg.firstElementChild.setAttribute("href", `#i-${name}`);
    return svg;
  },
  // A control by what it stands for: cells keep their place when their key changes.
  idOf: (control) => {
    const at = control.closest("td")?.querySelector('[name$=".at"]');
    return at ? `${at.value}|${bench.fieldOf(control.name)}` : control.name;
  },
  byId: (id) => {
    const [at, field] = id.split("|");
    if (!field) return form.elements.namedItem(id);
    const cell = bench.cellAt(at);
    return cell && bench.detail(cell, field);
  },
  cellAt: (at) => form.querySelector(`[name$=".at"][value="${CSS.escape(at)}"]`)?.closest("td"),
  cellName: (cell) => bench.rowOf(cell.querySelector('[name$=".at"]').name),
  // The control of one field of a cell; what stands behind the source button is made when it is first needed.
  detail: (cell, field) => {
    const name = `${bench.cellName(cell)}.${field}`;
    const found = cell.querySelector(`[name="${name}"]`);
    if (found) return found;
    const made = Object.assign(document.createElement("input"), { type: "hidden", name });
    cell.append(made);
    return made;
  },
  valueOf: (control) => (control.type === "checkbox" ? (control.checked ? control.value : "") : control.value),
  put: (control, text) => {
    if (control.type === "checkbox") control.checked = Boolean(text);
    else control.value = text;
    control.dispatchEvent(new Event("change", { bubbles: true }));
  },
  // Several changes as one step that can be undone. `changes`: [control, text] pairs.
  act: (changes) => {
    const step = changes
      .map(([control, text]) => ({ id: bench.idOf(control), before: bench.valueOf(control), after: text, control }))
      .filter((one) => one.before !== one.after);
    if (!step.length) return;
    bench.history?.push(step.map(({ id, before, after }) => ({ id, before, after })));
    for (const { control, after } of step) {
      bench.put(control, after);
      bench.touch?.(control);
    }
  },
};

// Another blank row without a round trip: a blank one is copied under a key of its own.
bench.addRow = (rows, key = crypto.randomUUID ? crypto.randomUUID() : uuid()) => {
  const row = rows.querySelector("template").content.firstElementChild.cloneNode(true);
  for (const control of row.querySelectorAll("[name]")) {
    control.name = control.name.replace(/^([a-z]+)\.[^.]+\./, `$1.${key}.`);
    if (control.id) control.id = control.name;
    if (control.tagName === "SELECT") control.selectedIndex = 0;
    else if (control.type !== "checkbox") control.value = "";
  }
  rows.querySelector("template").before(row);
  return row;
};

function uuid() { // randomUUID exists on secure origins only
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

function offerRows(root) {
  for (const rows of root.querySelectorAll("[data-rows]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm btn-quiet mt-1";
    button.dataset.more = "";
    button.textContent = "One more row";
    rows.after(button);
  }
}
offerRows(document);
form.addEventListener("click", (event) => {
  if (!event.target.matches("[data-more]")) return;
  const row = bench.addRow(event.target.previousElementSibling);
  row.querySelector("input:not([type=hidden]), select").focus();
});
// Typing into the last blank row brings the next one, so that Tab goes on.
form.addEventListener("input", (event) => {
  const row = event.target.closest("[data-rows] > [data-new]");
  if (row?.nextElementSibling?.matches("template")) bench.addRow(row.parentElement);
});

// A name that is one of the codebook's spellings chooses its marker, in sight and to be undone.
const spellings = JSON.parse(document.querySelector("#spellings").textContent);
form.addEventListener("change", (event) => {
  const marker = event.target.matches('[name^="outcome."][name$=".name"]') && form.elements[`${bench.rowOf(event.target.name)}.marker`];
  const code = spellings[event.target.value.normalize("NFC").toLowerCase().trim().replace(/\s+/g, " ")];
  if (marker && !marker.value && code) bench.act([[marker, code]]);
});

// The heads of a block follow its kinds.
const ENDS = { ci: ["lower", "upper"], iqr: ["Q1", "Q3"], range: ["lowest", "highest"] };
form.addEventListener("change", (event) => {
  const select = event.target;
  const block = select.closest(".block-head")?.parentElement;
  if (!block || !select.matches(".centre-kind, .spread-kind")) return;
  const chosen = select.selectedOptions[0].textContent;
  const [first, second] = select.matches(".spread-kind") ? ENDS[select.value] || [chosen, "upper"] : [];
  const words = select.matches(".centre-kind") ? { centre: chosen } : { first, second };
  for (const [name, word] of Object.entries(words)) {
    for (const head of block.querySelectorAll(`[data-word="${name}"]`)) head.textContent = word;
    for (const box of block.querySelectorAll(`.trio [name$=".${name}"]`)) {
      box.setAttribute("aria-label", box.getAttribute("aria-label").replace(/[^,]*$/, ` ${word}`));
    }
  }
});

// The width of the report, by pointer or by arrow keys, remembered.
const panes = document.querySelector(".bench");
const gutter = document.querySelector(".gutter");
function setWidth(percent) {
  const width = Math.round(Math.min(70, Math.max(0, percent)));
  panes.style.setProperty("--doc", width < 12 ? "0px" : `${width}%`);
  gutter.setAttribute("aria-valuenow", String(width));
  localStorage.setItem("report-width", String(width));
}
if (localStorage.getItem("report-width")) setWidth(Number(localStorage.getItem("report-width")));
gutter.addEventListener("pointerdown", (event) => {
  gutter.setPointerCapture(event.pointerId);
  panes.classList.add("resizing"); // a frame in the pane would swallow the pointer
  gutter.onpointermove = (move) => setWidth((100 * (move.clientX - panes.offsetLeft)) / panes.clientWidth);
});
gutter.addEventListener("pointerup", () => {
  gutter.onpointermove = null;
  panes.classList.remove("resizing");
});
gutter.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -4, ArrowRight: 4 }[event.key];
  if (step) setWidth(Number(gutter.getAttribute("aria-valuenow")) + step);
});

// The step in view is the current one.
const body = document.querySelector(".entry-body");
function markStep() {
  const top = body.getBoundingClientRect().top + 80;
  const steps = [...document.querySelectorAll('.steps a[href^="#"]')];
  const passed = steps.filter((one) => document.querySelector(one.hash)?.getBoundingClientRect().top <= top);
  const end = body.scrollTop > 0 && body.scrollTop + body.clientHeight >= body.scrollHeight - 4;
  const now = end ? steps.at(-1) : passed.at(-1) || steps[0];
  for (const one of steps) one === now ? one.setAttribute("aria-current", "step") : one.removeAttribute("aria-current");
}
body.addEventListener("scroll", () => requestAnimationFrame(markStep), { passive: true });
markStep();
document.querySelector("#problems")?.scrollIntoView({ block: "center" });

// Put newer parts of the page in place; one in which somebody types waits until they leave it.
const waiting = new Map();
bench.refresh = async () => {
  const answer = await fetch(location.pathname + location.search, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of page.querySelectorAll("[data-part]")) waiting.set(part.id, part);
  putParts();
};
function putParts() {
  for (const [id, part] of waiting) {
    const old = document.getElementById(id);
    if (old?.contains(document.activeElement) || bench.pending?.(old)) continue;
    waiting.delete(id);
    old?.replaceWith(part);
    offerRows(part);
  }
  markStep();
}
bench.putParts = putParts;
form.addEventListener("focusout", () => setTimeout(putParts, 0));
