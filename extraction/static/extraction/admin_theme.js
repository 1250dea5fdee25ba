// Django's switch knows "auto"; admin.css knows light and dark. Here "auto" becomes what the system says.
"use strict";
{
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const resolve = () => { if (root.dataset.theme === "auto" && system.matches) root.dataset.theme = "dark"; };
  new MutationObserver(resolve).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  resolve();
}
