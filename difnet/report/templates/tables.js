"use strict";
document.documentElement.classList.add("script");

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
  if (!holder) return;
  const tools = document.createElement("div");
  tools.className = "tools";
  addFilter(table, tools);
  addColumnChoice(table, tools);
  for (const written of holder.querySelectorAll("template")) {
    tools.append(copyButton(`Copy ${written.dataset.format}`, () => written.content.textContent));
    if (written.dataset.format === "CSV") tools.append(saveButton(`${holder.dataset.table}.csv`, written));
  }
  holder.prepend(tools);
}

/* Rows that hold the words and have the tag are shown. */
function addFilter(table, tools) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < 5) return;
  const search = Object.assign(document.createElement("input"), { type: "search", placeholder: "Search" });
  const select = document.createElement("select");
  const tags = [...new Set(rows.flatMap((row) => (row.dataset.tags || "").split(" ")))].filter(Boolean).sort();
  const update = () => {
    const words = search.value.toLowerCase();
    for (const row of rows) {
      const tagged = select.value === "" || row.dataset.tags.split(" ").includes(select.value);
      row.hidden = !(tagged && row.cells[0].textContent.toLowerCase().includes(words));
    }
  };
  search.setAttribute("aria-label", `Search the rows of: ${table.caption.textContent.trim()}`);
  search.addEventListener("input", update);
  tools.append(search);
  if (tags.length < 2) return;
  const label = document.createElement("label");
  select.append(new Option("all", ""), ...tags.map((tag) => new Option(tag, tag)));
  label.append("Tag ", select);
  select.addEventListener("change", update);
  tools.append(label);
}

function saveButton(name, written) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Save CSV" });
  button.addEventListener("click", () => {
    const file = new Blob([written.content.textContent], { type: "text/csv" });
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  return button;
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

function copyButton(title, text) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = title;
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text())) ? "Copied" : "Copying is not allowed here";
    setTimeout(() => { button.textContent = title; }, 1500);
  });
  return button;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

for (const table of document.querySelectorAll("table")) {
  addSorting(table);
  addTools(table);
}
for (const command of document.querySelectorAll("[data-command]")) {
  const tools = document.createElement("span");
  tools.className = "tools";
  tools.append(copyButton("Copy", () => command.textContent));
  command.after(tools);
}
