// Keys of the grid: arrows and Enter, not reported, fill down, copy out.
const isBox = (control) => control.matches?.(".trio .form-control");
const shownBoxes = () => [...form.querySelectorAll(".trio .form-control")].filter((one) => one.offsetParent);

function moveDown(box, step) {
  const column = box.closest("td").cellIndex;
  const field = bench.fieldOf(box.name);
  const boxes = shownBoxes().filter((one) => one.closest("td").cellIndex === column && bench.fieldOf(one.name) === field);
  go(boxes[boxes.indexOf(box) + step]);
}
function moveAside(box, step) {
  const boxes = shownBoxes();
  go(boxes[boxes.indexOf(box) + step]);
}
function go(box) {
  if (!box) return;
  box.focus();
  box.select();
}
const allSelected = (box) => box.selectionStart === 0 && box.selectionEnd === box.value.length;

form.addEventListener("keydown", (event) => {
  const box = event.target;
  if (!isBox(box)) return;
  const plain = !(event.ctrlKey || event.metaKey || event.altKey);
  const down = { Enter: event.shiftKey ? -1 : 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (plain && down) {
    event.preventDefault();
    return moveDown(box, down);
  }
  const aside = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (plain && aside && !event.shiftKey) {
    const atEdge = aside > 0 ? box.selectionStart === box.value.length : box.selectionEnd === 0;
    if (!atEdge && !allSelected(box)) return;
    event.preventDefault();
    return moveAside(box, aside);
  }
  if (event.altKey && event.key.toLowerCase() === "r") {
    event.preventDefault();
    notReported(box);
  } else if (event.altKey && event.key.toLowerCase() === "s") {
    event.preventDefault();
    bench.openSource?.(box.closest("td"));
  } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "d") {
    event.preventDefault();
    fillDown(box);
  }
});

// The box in hand, or, in an empty cell, its centre and spread.
function notReported(box) {
  const cell = box.closest("td");
  const boxes = ["centre", "first"].map((field) => bench.detail(cell, field));
  const empty = boxes.every((one) => !one.value);
  bench.act((empty ? boxes : [box]).map((one) => [one, "NR"]));
}

// As a spreadsheet does it: the box takes what stands above it in its block.
function fillDown(box) {
  const cell = box.closest("td");
  const above = cell.parentElement.previousElementSibling?.cells[cell.cellIndex];
  if (!above) return;
  bench.act([[box, bench.detail(above, bench.fieldOf(box.name)).value]]);
  box.select();
}

// A block as a spreadsheet takes it: a head, then one line per arm.
function copyOut(block) {
  const shown = (row) => [...row.querySelectorAll(".trio input")].filter((one) => one.offsetParent);
  const heads = [...block.querySelectorAll("thead th")].slice(1);
  const words = heads.flatMap((head) => {
    const time = head.firstChild.textContent.trim();
    return [...head.querySelectorAll(".trio-head span")].filter((one) => one.offsetParent || getComputedStyle(one).display !== "none").map((one) => `${time} ${one.textContent}`);
  });
  const lines = [...block.querySelectorAll("tbody tr")].filter((row) => row.querySelector(".trio"))
    .map((row) => [row.cells[0].firstChild.textContent.trim(), ...shown(row).map((one) => one.value)]);
  return [["", ...words], ...lines].map((line) => line.join("\t")).join("\n");
}
form.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = copyOut(button.closest(".block"));
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no permission, or no secure origin
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.dataset.done = "Copied";
  setTimeout(() => delete button.dataset.done, 1500);
});
