const root = document.documentElement;

/* Figures open in a dialog as wide as the window, by a click or by the button that the keyboard reaches. */
function enlarge() {
  const dialog = document.createElement("dialog");
  dialog.className = "enlarged bd-content";
  dialog.setAttribute("aria-label", "Enlarged figure");
  dialog.addEventListener("click", () => dialog.close());
  document.body.append(dialog);

  const button = (label, act) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    made.addEventListener("click", act);
    return made;
  };
  for (const picture of document.querySelectorAll("img.line-figure, img.photo-figure")) {
    const open = () => {
      dialog.replaceChildren(button("Close", () => dialog.close()), picture.cloneNode());
      dialog.showModal();
    };
    picture.addEventListener("click", open);
    const opener = button("Enlarge", open);
    opener.className = "enlarge";
    const caption = picture.closest("figure")?.querySelector("figcaption");
    if (caption) caption.append(opener);
    else picture.after(opener);
  }
}

/* One button folds all code of all pages, and unfolds it; the browser remembers. A phone begins folded. */
function fold() {
  if (!document.querySelector("article div.cell_input")) return;
  const folded = () => (localStorage.getItem("code") ?? (innerWidth < 600 ? "folded" : "shown")) === "folded";
  const button = Object.assign(document.createElement("button"), { type: "button", className: "fold" });
  const show = () => {
    root.classList.toggle("code-folded", folded());
    button.textContent = folded() ? "Show all code" : "Hide all code";
    reach();
  };
  button.addEventListener("click", () => {
    localStorage.setItem("code", folded() ? "shown" : "folded");
    show();
  });
  document.querySelector("article h1").after(button);
  show();
}

/* A long page has a way back to its beginning, where its contents are, at the end of each section. */
function back() {
  const sections = document.querySelectorAll("article section > section:has(> h2)");
  if (sections.length < 5) return;
  const top = document.querySelector("article h1").parentElement;
  for (const section of sections) {
    const link = Object.assign(document.createElement("a"), { href: `#${top.id}`, textContent: "Back to the top" });
    link.className = "back";
    section.append(link);
  }
}

/* What scrolls within its own box can be reached by the keyboard, and so scrolled with its arrows. */
function reach() {
  for (const box of document.querySelectorAll("article :is(table, pre, figure, div.math, mjx-container)")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}

/* Mathematics comes late and would move the lines: show the text when it is typeset, or after two seconds. */
root.classList.add("typesetting");
const show = () => root.classList.remove("typesetting");
setTimeout(show, 2000);

/* On paper: light colours, and open solutions. */
let before = null;
window.addEventListener("beforeprint", () => {
  const folded = [...document.querySelectorAll("article :is(.sd-dropdown, .tag_hide-cell > details):not([open])")];
  before ??= { folded, theme: root.dataset.theme };
  folded.forEach((part) => { part.open = true; });
  root.dataset.theme = "light";
});
window.addEventListener("afterprint", () => {
  before?.folded.forEach((part) => { part.open = false; });
  if (before) root.dataset.theme = before.theme;
  before = null;
});

/* The arrow that unfolds the pages below a page has no name of its own. */
function name() {
  for (const arrow of document.querySelectorAll("nav summary:has(.toctree-toggle)")) {
    arrow.setAttribute("aria-label", "Pages below");
  }
}

document.addEventListener("DOMContentLoaded", () => {
  name();
  enlarge();
  fold();
  back();
});
window.addEventListener("load", async () => {
  reach();
  await window.MathJax?.startup?.promise;
  show();
  reach();
});
window.addEventListener("resize", reach);
