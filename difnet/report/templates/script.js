"use strict";

for (const table of document.querySelectorAll("table")) {
  addSorting(table);
  addTools(table);
}
addCommandButtons();
addMagnifier();

function addSorting(table) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    const title = head.querySelector(".head");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = title.textContent;
    title.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") !== "descending";
      table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sortRows(table, column, head.classList.contains("number"), descending ? -1 : 1);
    });
  });
}

function sortRows(table, column, numeric, sign) {
  const key = (row) => row.cells[column].dataset.value;
  const rows = [...table.tBodies[0].rows];
  rows.sort((first, second) => {
    const [a, b] = [key(first), key(second)];
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * (numeric ? Number(a) - Number(b) : a.localeCompare(b));
  });
  table.tBodies[0].append(...rows);
}

function addTools(table) {
  const holder = table.closest("[data-table]");
  const tools = document.createElement("div");
  tools.className = "tools";
  addTagFilter(table, tools);
  addColumnChoice(table, tools);
  for (const template of holder.querySelectorAll("template[data-copy]")) {
    tools.append(copyButton(`Copy ${template.dataset.copy}`, () => template.content.textContent));
  }
  holder.prepend(tools);
}

function addTagFilter(table, tools) {
  const rows = [...table.tBodies[0].rows];
  const tags = [...new Set(rows.flatMap((row) => (row.dataset.tags || "").split(" ")))].filter(Boolean).sort();
  if (tags.length < 2) return;
  const label = document.createElement("label");
  const select = document.createElement("select");
  select.append(new Option("all", ""), ...tags.map((tag) => new Option(tag, tag)));
  label.append("Show variants tagged ", select);
  select.addEventListener("change", () => {
    for (const row of rows) {
      row.hidden = select.value !== "" && !row.dataset.tags.split(" ").includes(select.value);
    }
  });
  tools.append(label);
}

function addColumnChoice(table, tools) {
  const heads = [...table.querySelectorAll("thead th")];
  if (heads.length < 9) return;
  const details = document.createElement("details");
  const fieldset = document.createElement("fieldset");
  fieldset.setAttribute("aria-label", "Columns shown");
  details.append(Object.assign(document.createElement("summary"), { textContent: "Columns" }), fieldset);
  heads.slice(1).forEach((head, place) => {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      for (const row of table.rows) row.cells[place + 1].hidden = !box.checked;
    });
    label.append(box, " ", head.querySelector(".head").textContent);
    fieldset.append(label);
  });
  tools.append(details);
}

function addCommandButtons() {
  for (const command of document.querySelectorAll("[data-command]")) {
    const tools = document.createElement("span");
    tools.className = "tools";
    tools.append(copyButton("Copy", () => command.textContent));
    command.after(tools);
  }
}

function copyButton(title, text) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = title;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed here";
    }
    setTimeout(() => { button.textContent = title; }, 1500);
  });
  return button;
}

function addMagnifier() {
  const images = [...document.querySelectorAll(".tiles img")];
  const dialog = document.createElement("dialog");
  const large = document.createElement("img");
  const words = document.createElement("p");
  let current = 0;
  dialog.setAttribute("aria-label", "Enlarged image; arrow keys change it, Escape closes it");
  dialog.tabIndex = -1;
  dialog.append(large, words);
  const show = (place) => {
    current = (place + images.length) % images.length;
    large.src = images[current].src;
    large.alt = images[current].alt;
    large.className = images[current].className;
    words.textContent = images[current].alt;
  };
  images.forEach((image, place) => {
    image.tabIndex = 0;
    image.setAttribute("role", "button");
    image.addEventListener("click", () => {
      document.body.append(dialog);
      show(place);
      dialog.showModal();
    });
    image.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); image.click(); }
    });
  });
  dialog.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => images[current].focus());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") show(current + 1);
    if (event.key === "ArrowLeft") show(current - 1);
  });
}
