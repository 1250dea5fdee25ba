// What the checks find, under the block in which it stands, with a place for the reason. Without scripts: "Check and submit".
const rowHolder = (one) => {
  const field = one.subject === "observation" ? `cell.${one.row}.at` : `${one.subject}.${one.row}.was`;
  return form.querySelector(`[name="${CSS.escape(field)}"]`);
};

function showFindings(findings) {
  const typing = document.activeElement?.closest(".warn-row");
  const kept = typing && [typing.dataset.finding, document.activeElement.value];
  for (const old of form.querySelectorAll(".warn-row")) old.remove();
  for (const box of form.querySelectorAll(".is-warn")) box.classList.remove("is-warn");
  let open = 0;
  for (const one of findings) {
    if (one.reason && one.severity !== "error") continue;
    open += 1;
    const holder = rowHolder(one);
    if (!holder) continue;
    const box = form.querySelector(`[name="${CSS.escape(`${bench.rowOf(holder.name)}.${one.field}`)}"]`);
    if (box && box.type !== "hidden") box.classList.add("is-warn");
    const cell = holder.closest("td");
    const row = document.createElement(cell ? "tr" : "div");
    row.className = "warn-row";
    row.dataset.finding = `${one.code}:${one.row}`;
    const inside = cell ? row.appendChild(document.createElement("td")) : row;
    if (cell) {
      inside.colSpan = cell.parentElement.cells.length;
      cell.parentElement.after(row);
    } else holder.closest(".strip, .facts > div").append(row);
    inside.append(...parts(one));
    if (kept && kept[0] === row.dataset.finding) {
      const reason = row.querySelector("input");
      reason.value = kept[1];
      reason.focus();
    }
  }
  for (const place of document.querySelectorAll("[data-warnings]")) {
    place.hidden = !open;
    place.lastElementChild.textContent = `${open} warning${open === 1 ? "" : "s"}`;
  }
}

function parts(one) {
  const words = document.createElement("p");
  words.append(bench.icon("alert"), " ", one.message);
  if (one.severity === "error") return [words];
  const line = document.createElement("div");
  line.className = "inline";
  const reason = Object.assign(document.createElement("input"), { className: "form-control", placeholder: "It is right because …", maxLength: 500 });
  reason.setAttribute("aria-label", `Why it is right: ${one.message}`);
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm btn-plain", textContent: "Keep with this reason" });
  button.addEventListener("click", () => keepFinding(one, reason));
  reason.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    keepFinding(one, reason);
  });
  line.append(reason, button);
  return [words, line];
}

async function keepFinding(one, reason) {
  if (!reason.value.trim()) return reason.focus();
  if (!(await bench.flush())) return;
  const body = new URLSearchParams({
    csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value,
    then: `keep:${one.code}:${one.row}:${one.digest}`,
    [`reason.${one.code}.${one.row}`]: reason.value,
  });
  const answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  reason.blur();
  showFindings(JSON.parse(page.querySelector("#findings").textContent));
}

showFindings(JSON.parse(document.querySelector("#findings").textContent));
form.addEventListener("bench:saved", (event) => showFindings(event.detail.findings));
