// Comfort for the page of structures: keys and dragging. Without this file every act is a button or a ticked box.
const bands = () => [...document.querySelectorAll("[data-band]")].filter((band) => band.checkVisibility());
let current = document.querySelector(".band.on");

function go(band) {
  if (!band) return;
  current?.classList.remove("on");
  current = band;
  band.classList.add("on");
  band.scrollIntoView({ block: "nearest" });
}

// Match the rows of a band to others: its own are ticked, and the first box of the side it lacks has the focus.
function byHand(band) {
  const panel = band.closest("section").querySelector(".by-hand");
  panel.open = true;
  const own = new Set([...band.querySelectorAll("[data-card]")].map((card) => card.dataset.card));
  const boxes = [...panel.querySelectorAll("input[type=checkbox]")];
  const alone = Boolean(band.querySelector("[data-none]"));
  for (const box of boxes) box.checked = alone && own.has(box.value);
  const lacks = band.querySelector("[data-none]")?.dataset.none || "a";
  (boxes.find((box) => box.name === lacks) || boxes[0]).focus();
  panel.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const panel = event.target.closest?.(".by-hand");
  if (panel?.open && event.target.matches("input[type=checkbox]")) {
    const boxes = [...panel.querySelectorAll("input[type=checkbox]")];
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (event.key === "Escape") {
      panel.open = false;
      panel.querySelector("summary").focus();
    } else if (step) {
      event.preventDefault();
      boxes[(boxes.indexOf(event.target) + step + boxes.length) % boxes.length].focus();
    } else if (event.key === "Enter") {
      event.preventDefault();
      panel.querySelector("button[name=act]").click();
    }
    return;
  }
  if (event.target.matches("input, select, textarea") || event.repeat) return;
  const onControl = event.target.matches("a, button, summary");
  if (event.key === "Enter" && onControl) return; // it does what the control says
  const all = bands();
  if (event.key === "j" || event.key === "k") {
    const place = all.indexOf(current) + (event.key === "j" ? 1 : -1);
    event.preventDefault();
    go(all[Math.min(Math.max(place, 0), all.length - 1)]);
    return;
  }
  const where = event.key === "u" ? document : current;
  let control = where?.querySelector(`[data-say="${CSS.escape(event.key)}"]`);
  if (!control && event.key === "Enter") {
    control = current?.querySelector('[data-say="o"]') || document.getElementById("compare");
  }
  if (!control) return;
  event.preventDefault();
  control.click();
});

document.addEventListener("click", (event) => {
  const hand = event.target.closest("[data-say=m]");
  if (hand) {
    event.preventDefault();
    byHand(hand.closest("[data-band]"));
  }
});

// After an act the page opens at the next band that is to say.
document.addEventListener("submit", (event) => {
  const band = event.target.closest("[data-band]") || current;
  const field = event.target.querySelector("[name=next]");
  if (!band || !field) return;
  const all = bands();
  const after = all.slice(all.indexOf(band) + 1).find((other) => other.matches(".open"));
  if (after) field.value = after.dataset.band;
});

// Drag a row onto its partner, onto a row of its own side (a merge), or onto the gap (only one saw it).
let lifted = null;
const target = (event) => {
  const card = event.target.closest?.(".card-s");
  if (!lifted || !card || card === lifted || card.closest("section") !== lifted.closest("section")) return null;
  return card;
};
document.addEventListener("dragstart", (event) => {
  lifted = event.target.closest?.("[data-card]");
  if (!lifted) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", lifted.dataset.card);
  lifted.classList.add("lifted");
});
document.addEventListener("dragover", (event) => {
  const card = target(event);
  for (const other of document.querySelectorAll(".card-s.target")) other.classList.toggle("target", other === card);
  if (!card) return;
  event.preventDefault();
  card.classList.add("target");
});
document.addEventListener("dragend", () => {
  for (const card of document.querySelectorAll(".card-s")) card.classList.remove("lifted", "target");
  lifted = null;
});
document.addEventListener("drop", (event) => {
  const card = target(event);
  if (!card) return;
  event.preventDefault();
  const rows = [lifted];
  if (card.dataset.card) rows.push(card);
  if (card.dataset.side === lifted.dataset.side) {
    const together = card.closest("[data-band]").querySelectorAll(`[data-card]:not([data-side=${card.dataset.side}])`);
    rows.push(...together);
  }
  const form = document.getElementById("drag-form");
  form.elements.subject.value = card.closest("section").dataset.subject;
  for (const row of rows) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = row.dataset.side;
    field.value = row.dataset.card;
    form.append(field);
  }
  form.requestSubmit();
});
