// Undo and redo of everything typed, filled down or pasted on this page. One step is what was done in one go.
bench.history = [];
const undone = [];
let held = null; // the control that has the focus, and its text before

form.addEventListener("focusin", (event) => {
  if (event.target.name && event.target.type !== "hidden") {
    held = { id: bench.idOf(event.target), text: bench.valueOf(event.target), step: null };
  }
});
form.addEventListener("input", (event) => {
  const control = event.target;
  if (!control.name || event.isTrusted === false) return;
  const id = bench.idOf(control);
  if (held?.id !== id) held = { id, text: "", step: null };
  const after = bench.valueOf(control);
  if (held.step && bench.history.at(-1) === held.step) held.step[0].after = after;
  else {
    held.step = [{ id, before: held.step ? held.step[0].after : held.text, after }];
    bench.history.push(held.step);
  }
  undone.length = 0;
  mark();
});

function replay(from, to, side) {
  const step = from.pop();
  if (!step) return;
  Array.prototype.push.call(to, step);
  held = null;
  for (const one of step) {
    const control = bench.byId(one.id);
    if (!control) continue;
    bench.put(control, one[side]);
    bench.touch?.(control);
  }
  const first = bench.byId(step[0].id);
  if (first && first.type !== "hidden") first.focus();
  mark();
}
bench.undo = () => replay(bench.history, undone, "before");
bench.redo = () => replay(undone, bench.history, "after");

const undoButton = document.querySelector("[data-undo]");
const redoButton = document.querySelector("[data-redo]");
function mark() {
  undoButton.disabled = !bench.history.length;
  redoButton.disabled = !undone.length;
}
undoButton.addEventListener("click", bench.undo);
redoButton.addEventListener("click", bench.redo);
const push = bench.history.push.bind(bench.history);
bench.history.push = (step) => { // a new step ends what could be redone
  undone.length = 0;
  push(step);
  mark();
};
mark();

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  if (key === "z" || key === "y") {
    event.preventDefault();
    key === "y" || event.shiftKey ? bench.redo() : bench.undo();
  }
});
