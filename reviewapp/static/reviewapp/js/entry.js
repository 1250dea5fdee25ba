// Comfort for the entry form. Without this file every row is one save away.
const form = document.querySelector("form[data-entry]");
const WORDS = { ci: ["lower", "upper"], iqr: ["Q1", "Q3"], range: ["lowest", "highest"] };

// Another blank row without a round trip: the last blank one is copied under a key of its own.
for (const rows of form.querySelectorAll("[data-rows]")) {
  const blank = [...rows.querySelectorAll("[data-new]")].at(-1)?.cloneNode(true);
  if (!blank) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm btn-quiet mt-1";
  button.textContent = "One more row";
  rows.after(button);
  button.addEventListener("click", () => {
    const row = blank.cloneNode(true);
    const key = crypto.randomUUID ? crypto.randomUUID() : uuid();
    for (const control of row.querySelectorAll("[name]")) {
      control.name = control.name.replace(/^([a-z]+)\.[^.]+\./, `$1.${key}.`);
      if (control.id) control.id = control.name;
    }
    rows.append(row);
    row.querySelector("input:not([type=hidden]), select").focus();
  });
}

// randomUUID exists on secure origins only.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

// The heads of a block follow its kinds.
form.addEventListener("change", (event) => {
  const select = event.target;
  const block = select.closest(".block-head")?.parentElement;
  if (!block || !select.matches(".centre-kind, .spread-kind")) return;
  const chosen = select.selectedOptions[0].textContent;
  const [first, second] = select.matches(".spread-kind") ? WORDS[select.value] || [chosen, ""] : [];
  const words = select.matches(".centre-kind") ? { centre: chosen } : { first, second };
  for (const [name, word] of Object.entries(words)) {
    for (const head of block.querySelectorAll(`[data-word="${name}"]`)) head.textContent = word;
  }
});

// Enter and the arrows move down and up a column of the grid; elsewhere Enter saves, as in any form.
form.addEventListener("keydown", (event) => {
  const box = event.target;
  if (!box.matches(".trio .form-control") || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const name = box.name.split(".").at(-1);
  const column = box.closest("td").cellIndex;
  const boxes = [...form.querySelectorAll(`.trio [name$=".${name}"]`)].filter(
    (one) => one.closest("td").cellIndex === column && one.offsetParent,
  );
  const next = boxes[boxes.indexOf(box) + step];
  if (next) {
    next.focus();
    next.select();
  }
});

// Leaving with something unsaved asks first; saving comes back to the same place.
const place = `place:${location.pathname}`;
let touched = Boolean(document.querySelector("#problems"));
form.addEventListener("input", () => (touched = true));
form.addEventListener("submit", (event) => {
  touched = false;
  if (!event.submitter?.value) sessionStorage.setItem(place, String(scrollY));
});
addEventListener("beforeunload", (event) => {
  if (touched) event.preventDefault();
});
const kept = sessionStorage.getItem(place);
if (kept !== null && !location.hash) scrollTo(0, Number(kept));
sessionStorage.removeItem(place);
document.querySelector("#problems")?.scrollIntoView({ block: "center" });
