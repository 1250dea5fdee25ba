// Saves what was touched, one request at a time, and says what state it is in. What is not saved yet is also kept in the
// browser, so that a tab that dies loses nothing. Rows to be removed wait for the button.
const state = document.querySelector("[data-state]");
const shelf = `unsaved:${form.dataset.entry}`;
const dirty = new Set();
const refused = new Map(); // row → what was sent and could not be read
let timer = 0;
let running = null;
let conflict = false;
let wait = 2000;
let since = 0; // when the first unsaved row was touched

const textOf = (row) => JSON.stringify(fieldsOf(row));
function fieldsOf(row) {
  return bench.controls(row)
    .filter((one) => (one.type !== "checkbox" || one.checked) && !one.name.endsWith(".was"))
    .map((one) => [one.name, one.value]);
}
const isRemoved = (row) => Boolean(form.querySelector(`[name="${CSS.escape(row)}.remove"]:checked`));
// A new contrast waits until it says what it is of: five fields are not filled at once, and a refusal helps nobody yet.
const isBegun = (row) => {
  if (!row.startsWith("contrast.") || form.querySelector(`[name="${CSS.escape(row)}.was"]`)?.value) return false;
  const lacks = (field) => !form.elements.namedItem(`${row}.${field}`)?.value.trim();
  return ["outcome", "timepoint", "statistic", "arm"].some(lacks) || ["value", "ci_low"].every(lacks);
};
const begun = () => {
  const waiting = [...dirty].filter(isBegun).length;
  return waiting && `${waiting} contrast${waiting > 1 ? "s" : ""} not complete, not saved yet`;
};
bench.pending = (part) => [...dirty].some((row) => part?.querySelector(`[name^="${CSS.escape(row)}."]`));

bench.touch = (control) => {
  const row = bench.rowOf(control.name);
  const block = control.closest(".block-head")?.closest(".block");
  if (block && row.startsWith("block.")) {
    for (const at of block.querySelectorAll('[name$=".at"]')) {
      const cell = at.closest("td");
      const said = [...cell.querySelectorAll(".trio input")].some((one) => one.value);
      if (said) dirty.add(bench.rowOf(at.name));
    }
  } else if (/^(arm|timepoint|outcome|characteristic|cell|contrast)\./.test(row)) dirty.add(row);
  refused.delete(row);
  keep();
  clearTimeout(timer);
  since ||= Date.now(); // saved half a second after the last key, or after three seconds of keys without a pause
  timer = setTimeout(() => bench.flush(), Math.max(0, Math.min(500, since + 3000 - Date.now())));
};
form.addEventListener("input", (event) => event.target.name && bench.touch(event.target));
form.addEventListener("change", (event) => event.target.name && event.isTrusted && bench.touch(event.target));

function keep() {
  const rows = [...dirty].map((row) => {
    const was = form.querySelector(`[name="${CSS.escape(row)}.was"]`)?.value || "";
    return { row, was, at: form.querySelector(`[name="${CSS.escape(row)}.at"]`)?.value, fields: fieldsOf(row) };
  });
  state.toggleAttribute("data-unsaved", dirty.size > 0);
  if (rows.length) localStorage.setItem(shelf, JSON.stringify(rows));
  else localStorage.removeItem(shelf);
}

function say(words, icon, tone) {
  state.className = tone ? `chip chip-${tone}` : "saved";
  state.replaceChildren(bench.icon(icon), words);
}

// Sends what is dirty until nothing is; true when all of it is saved.
bench.flush = (all = false) => {
  clearTimeout(timer);
  running = (running || Promise.resolve()).then(() => send(all)).catch((error) => {
    console.warn(error);
    return false;
  });
  return running;
};

async function send(all) {
  const rows = [...dirty].filter((row) => (all || !(isRemoved(row) || isBegun(row))) && refused.get(row) !== textOf(row));
  if (!conflict && !rows.length && begun()) say(begun(), "half");
  if (conflict || !rows.length) return dirty.size === 0;
  const sent = new Map(rows.map((row) => [row, textOf(row)]));
  since = 0;
  const slow = setTimeout(() => say("Saving …", "half"), 400);
  let answer;
  try {
    answer = await fetch(`${bench.address}autosave/`, { method: "POST", body: bodyOf(rows), credentials: "same-origin" });
  } catch {
    clearTimeout(slow);
    say("Offline, will retry", "clock", "warn");
    timer = setTimeout(() => bench.flush(), wait);
    wait = Math.min(2 * wait, 30000);
    return false;
  }
  clearTimeout(slow);
  wait = 2000;
  const told = answer.headers.get("content-type")?.includes("json") ? await answer.json() : null;
  if (answer.status === 409 && told) return refuse(told.message);
  if (!answer.ok || !told) {
    say(answer.redirected || answer.status === 403 ? "Not saved: sign in again" : "Not saved, will retry", "alert", "warn");
    timer = setTimeout(() => bench.flush(), wait * 5);
    return false;
  }
  take(told, sent);
  if (told.structure) await bench.refresh();
  bench.putParts();
  return dirty.size === 0;
}

function bodyOf(rows) {
  const body = new URLSearchParams({ csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value });
  const blocks = new Set();
  for (const row of rows) {
    for (const control of bench.controls(row)) {
      if (control.type !== "checkbox" || control.checked) body.append(control.name, control.value);
      const block = row.startsWith("cell.") && control.closest(".block");
      if (block) blocks.add(block);
    }
  }
  for (const block of blocks) {
    for (const control of block.querySelectorAll('[name^="block."]')) body.append(control.name, control.value);
  }
  return body;
}

function take(told, sent) {
  for (const [row, text] of sent) {
    const problems = told.problems[row];
    showProblems(row, problems);
    if (problems) {
      refused.set(row, text);
      continue;
    }
    const now = told.rows[row];
    const was = form.querySelector(`[name="${CSS.escape(row)}.was"]`);
    if (was && now) was.value = now.was;
    was?.closest("[data-new]")?.removeAttribute("data-new");
    const derived = was?.closest("td")?.querySelector(".derived");
    if (derived && now) showDerived(derived, now);
    if (textOf(row) === text) dirty.delete(row);
  }
  keep();
  for (const [name, number] of [["filled", told.filled], ["left", told.cells - told.filled], ["cells", told.cells]]) {
    for (const place of document.querySelectorAll(`[data-count="${name}"]`)) place.textContent = number;
  }
  const bad = document.querySelectorAll(".entry .is-invalid").length;
  if (bad) say(`${bad} value${bad > 1 ? "s" : ""} not saved: see the field${bad > 1 ? "s" : ""}`, "alert", "warn");
  else if (begun()) say(begun(), "half");
  else say(`Saved ${told.at}`, "check");
  form.dispatchEvent(new CustomEvent("bench:saved", { detail: told }));
  if ([...dirty].some((row) => !refused.has(row) && !isRemoved(row) && !isBegun(row))) timer = setTimeout(() => bench.flush(), 200);
}

function showDerived(place, now) {
  if (!now.beside) return place.replaceChildren();
  const abbr = Object.assign(document.createElement("abbr"), { title: now.formula, textContent: now.beside });
  place.replaceChildren(abbr);
}

function showProblems(row, problems = {}) {
  for (const control of bench.controls(row)) {
    const message = problems[bench.fieldOf(control.name)];
    control.classList.toggle("is-invalid", Boolean(message));
    if (control.type === "hidden") continue;
    const place = control.closest("td, .field, label") || control.parentElement;
    const id = `${row}.problem`;
    message ? control.setAttribute("aria-describedby", id) : control.removeAttribute("aria-describedby");
    message ? control.setAttribute("aria-invalid", "true") : control.removeAttribute("aria-invalid");
    if (!message) {
      if (!Object.keys(problems).length) place.querySelector(".problem")?.remove();
      continue;
    }
    const said = place.querySelector(".problem") || place.appendChild(document.createElement("span"));
    Object.assign(said, { className: "problem", id, textContent: message });
  }
}

function refuse(message) {
  conflict = true;
  const button = document.createElement("button");
  button.className = "btn btn-sm btn-plain";
  button.type = "button";
  button.textContent = "Look at both";
  button.addEventListener("click", () => {
    localStorage.removeItem(shelf); // the page that shows both has it all
    leaving = true;
    form.submit();
  });
  say(/another tab|second|there already|exists already/.test(message) ? "Changed in another tab" : message, "alert", "warn");
  state.after(button);
  return false;
}

// The buttons of the form save as well; what they lead to opens once everything is saved.
let leaving = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (conflict) {
    leaving = true;
    return form.submit();
  }
  const then = event.submitter?.value || "";
  const address = event.submitter?.dataset.to;
  const whole = await bench.flush(true);
  if (!whole) return form.querySelector(".is-invalid")?.focus();
  leaving = true;
  if (then === "check") location.assign(`${bench.address}check/`);
  else if (address) location.assign(address);
  else if (then.startsWith("also:")) location.assign(`${bench.address}?also=${then.slice(5)}${form.dataset.part || ""}`);
  else leaving = false;
});
form.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-saves]");
  if (!link) return;
  event.preventDefault();
  if (await bench.flush()) location.assign(link.href);
});
addEventListener("beforeunload", (event) => {
  if (dirty.size && !leaving) event.preventDefault();
});
addEventListener("online", () => bench.flush());

// What a tab left unsaved when it died. Over a row that was changed since then, both are shown.
function restore() {
  const kept = JSON.parse(localStorage.getItem(shelf) || "[]");
  let number = 0;
  for (const { row, was, at, fields } of kept) {
    const cell = at && bench.cellAt(at);
    const subject = row.split(".")[0];
    const holder = !at && form.querySelector(`[data-rows="${subject}"]`);
    if (holder && !bench.controls(row).length) bench.addRow(holder, row.split(".")[1]);
    for (const [name, text] of fields) {
      const field = bench.fieldOf(name);
      const control = cell ? bench.detail(cell, field) : form.elements.namedItem(name);
      if (!control || field === "at" || bench.valueOf(control) === text) continue;
      number += 1;
      const version = form.querySelector(`[name="${CSS.escape(bench.rowOf(control.name))}.was"]`);
      if (version && was) version.value = was;
      bench.put(control, text);
      bench.touch(control);
    }
  }
  if (!number) return localStorage.removeItem(shelf);
  say(`${number} value${number > 1 ? "s" : ""} brought back, saving …`, "half");
}
if (document.querySelector("#problems")) {
  for (const was of form.querySelectorAll('[name$=".was"]')) dirty.add(bench.rowOf(was.name));
} else restore();
