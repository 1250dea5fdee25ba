// Runs before anything is drawn, so that a dark page never flashes white. The admin keeps its choice under the same name.
const saved = localStorage.getItem("theme");
document.documentElement.dataset.bsTheme =
  saved === "light" || saved === "dark" ? saved : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
