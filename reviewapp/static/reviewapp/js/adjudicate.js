// Comfort for the adjudicator's page. Without this file every step is one click or one press of a button.
for (const form of document.querySelectorAll("[data-sends-itself]")) {
  form.addEventListener("change", () => form.requestSubmit());
  form.querySelector("[data-only-without-script]")?.remove();
}

// The open one stays in sight in a long queue.
const list = document.querySelector(".queue ol");
const here = list?.querySelector("[aria-current]");
if (here) list.scrollTop = here.offsetTop - list.offsetTop - list.clientHeight / 3;

// "Another value" goes on to its first field.
document.addEventListener("change", (event) => {
  if (!event.target.matches('[name=choice][value="other"]')) return;
  event.target.form.querySelector(".other input, .other select")?.focus();
});

// "Ask both extractors" goes on to the words of the question; Escape closes it and leaves them there.
for (const asking of document.querySelectorAll("details.ask-more")) {
  asking.addEventListener("toggle", () => asking.open && asking.querySelector("textarea").focus());
  asking.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !asking.open) return;
    asking.open = false;
    asking.querySelector("summary").focus();
  });
}
