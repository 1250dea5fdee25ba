// Progressive extras only; every page works without this file.
const root = document.documentElement;

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-toggle]")) {
    root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.bsTheme);
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A key does what the control that names it does. Never while someone is typing.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  if (event.target.matches("input:not([type=radio]), select, textarea")) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return; // it has a meaning of its own there
  const choice = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!choice) return;
  event.preventDefault();
  choice.focus();
  choice.click();
});

// On a narrow screen, bring the current page of the menu into view.
for (const current of document.querySelectorAll(".topnav [aria-current], .steps [aria-current]")) {
  const strip = current.closest(".topnav, .steps");
  strip.scrollLeft = current.offsetLeft - strip.offsetLeft - 16;
}
