// A pasted block: shown beside what was understood of it, asked about, and entered as one step that can be undone.
const dialog = document.querySelector("#paste-dialog");
const pasteArea = dialog.querySelector("textarea");
const understood = dialog.querySelector("[data-understood]");
const enterButton = dialog.querySelector("[data-enter]");
let place = null; // where the block goes: a cell and a field

const isBlock = (text) => /[\t\n]/.test(text.trim()) || /[0-9]\s*(±|\+\/-|\(|\[)|[0-9]\s*,\s*[0-9]/.test(text);

form.addEventListener("paste", (event) => {
  const box = event.target;
  const text = event.clipboardData?.getData("text") || "";
  if (!box.matches?.(".trio .form-control") || !isBlock(text)) return;
  event.preventDefault();
  openPaste(box, text);
});
form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-paste]");
  if (button) openPaste(button.closest(".block").querySelector(".trio .form-control"), "");
});

function openPaste(box, text) {
  place = { at: box.closest("td").querySelector('[name$=".at"]').value, field: bench.fieldOf(box.name), box };
  pasteArea.value = text;
  understood.replaceChildren();
  enterButton.disabled = true;
  enterButton.textContent = "Enter the cells";
  dialog.showModal();
  if (text) understand();
  else pasteArea.focus();
}

let asking = 0;
async function understand() {
  const body = new URLSearchParams({
    csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value,
    part: form.elements.part.value,
    also: form.elements.also.value,
    pasted: pasteArea.value,
    at: place.at,
    field: place.field,
  });
  for (const kind of form.querySelectorAll('[name^="block."]')) body.append(kind.name, kind.value);
  for (const answer of understood.querySelectorAll("input:checked")) body.append(answer.name, answer.value);
  const mine = ++asking;
  const answer = await fetch(`${bench.address}paste/`, { method: "POST", body, credentials: "same-origin" });
  if (mine !== asking) return;
  if (!answer.ok) {
    understood.textContent = "This could not be read. Paste it again, or type the numbers.";
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.name && [document.activeElement.name, document.activeElement.value];
  understood.replaceChildren(...page.body.childNodes);
  if (focused) understood.querySelector(`[name="${CSS.escape(focused[0])}"][value="${CSS.escape(focused[1])}"]`)?.focus();
  const cells = Object.entries(taken());
  const open = understood.querySelector(".chip-warn");
  enterButton.disabled = Boolean(open) || !cells.length;
  enterButton.textContent = `Enter ${cells.length} cell${cells.length === 1 ? "" : "s"}`;
  const replaced = cells.filter(([at, fields]) => Object.keys(fields).some((field) => {
    const now = bench.cellAt(at) && bench.detail(bench.cellAt(at), field).value;
    return now && now !== fields[field];
  }));
  for (const [at] of replaced) {
    for (const goes of understood.querySelectorAll(`[data-goes="${at}"]`)) goes.append(" (replaces what is there)");
  }
  understood.querySelector("[data-replaces]").textContent = replaced.length ? ` ${replaced.length} replace what is there.` : "";
  if (!open && !focused) enterButton.focus();
}
const taken = () => JSON.parse(understood.querySelector("#pasted-cells")?.textContent || "{}");

pasteArea.addEventListener("input", () => understand());
understood.addEventListener("change", () => understand());
enterButton.addEventListener("click", () => {
  const changes = [];
  for (const [at, fields] of Object.entries(taken())) {
    const cell = bench.cellAt(at);
    for (const [field, text] of Object.entries(fields)) if (cell) changes.push([bench.detail(cell, field), text]);
  }
  dialog.close();
  bench.act(changes);
  place.box.focus();
});
for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
