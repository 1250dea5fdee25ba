// Lists of work: j and k go down and up, Enter opens what has the focus (a link does that by itself).
const titles = () => [...document.querySelectorAll(".rows .title, .trials .title")];

document.addEventListener("keydown", (event) => {
  if (event.key !== "j" && event.key !== "k") return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input:not([type=radio], [type=checkbox]), select, textarea")) return;
  const found = titles();
  const row = document.activeElement.closest(".work-row, .short-row, tr");
  const here = found.findIndex((title) => row && row.contains(title));
  const next = here < 0 ? 0 : here + (event.key === "j" ? 1 : -1);
  if (!found[next]) return;
  event.preventDefault();
  found[next].focus();
  found[next].scrollIntoView({ block: "nearest" });
});

// A secret link is there to be copied: one click takes all of it.
for (const box of document.querySelectorAll("[data-select]")) {
  box.addEventListener("focus", () => box.select());
}
