// Source and notes of a cell, beside it; "Use for this block" says the same of every cell in which something stands.
const pop = document.querySelector("#source-pop");
const SOURCE = ["source_report", "source_page", "source_place", "source_quote"];
let sourceOf = null; // the cell that is open

bench.openSource = (cell) => {
  sourceOf = cell;
  const block = cell.closest(".block");
  const row = cell.closest("tr");
  const time = block.querySelectorAll("thead th")[cell.cellIndex].firstChild.textContent;
  pop.querySelector("[data-where]").textContent = [block.querySelector("h3").textContent, row.cells[0].firstChild.textContent.trim(), time].join(" · ");
  for (const field of pop.querySelectorAll("[data-field]")) {
    const text = bench.detail(cell, field.dataset.field).value;
    if (field.type === "checkbox") field.checked = text === "yes";
    else field.value = text;
  }
  const filled = filledCells(block).length;
  pop.querySelector("[data-filled]").textContent = `${filled} cell${filled === 1 ? "" : "s"}`;
  for (const button of form.querySelectorAll(".src.open")) button.classList.remove("open");
  cell.querySelector(".src").classList.add("open");
  const ask = pop.querySelector("[data-ask]");
  ask.href = `${ask.href.split("?")[0]}?row=${bench.cellName(cell).split(".")[1]}`;
  pop.showModal();
  pop.querySelector("[data-field]").focus();
};
const filledCells = (block) => [...block.querySelectorAll("tbody td")].filter((cell) => [...cell.querySelectorAll(".trio input")].some((one) => one.value));

function takeSource(cells) {
  const changes = [];
  for (const field of pop.querySelectorAll("[data-field]")) {
    const text = field.type === "checkbox" ? (field.checked ? "yes" : "") : field.value;
    const targets = SOURCE.includes(field.dataset.field) ? cells : [sourceOf];
    for (const cell of targets) changes.push([bench.detail(cell, field.dataset.field), text]);
  }
  bench.act(changes);
  for (const cell of cells) {
    const given = SOURCE.some((field) => bench.detail(cell, field).value);
    cell.querySelector(".src").classList.toggle("has", given);
  }
}
form.addEventListener("click", (event) => {
  const button = event.target.closest(".src");
  if (!button || button.closest("td").querySelector(".more-of")) return;
  event.preventDefault();
  bench.openSource(button.closest("td"));
});
pop.querySelector("[data-block]").addEventListener("click", () => {
  takeSource([...new Set([sourceOf, ...filledCells(sourceOf.closest(".block"))])]);
  pop.close();
});
pop.addEventListener("close", () => {
  if (!sourceOf) return;
  takeSource([sourceOf]);
  const button = sourceOf.querySelector(".src");
  button.classList.remove("open");
  sourceOf = null;
  button.focus();
});
for (const button of pop.querySelectorAll("[data-close]")) button.addEventListener("click", () => pop.close());

// All keys on `?`.
const help = document.querySelector("#keys-dialog");
document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || event.target.matches("input:not([type=radio]):not([type=checkbox]), textarea") || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  help.showModal();
});
for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", () => help.showModal());
for (const button of help.querySelectorAll("[data-close]")) button.addEventListener("click", () => help.close());
