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
  addTagFilter(table, tools);
  addColumnChoice(table, tools);
  for (const [format, write] of Object.entries(FORMATS)) {
    tools.append(copyButton(`Copy ${format}`, () => write(shown(table))));
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

/* Copying: what the table shows now, in the same words as the files in `tables/`. */

function shown(table) {
  const visible = (cells) => [...cells].filter((cell) => !cell.hidden);
  const heads = visible(table.tHead.rows[0].cells).map((cell) => ({
    title: cell.querySelector(".head").textContent,
    note: cell.querySelector("small")?.textContent ?? "",
    numeric: cell.classList.contains("number"),
  }));
  const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => visible(row.cells).map(contents));
  return { heads, rows };
}

function contents(cell) {
  const detail = [...cell.querySelectorAll("small")].map((line) => line.textContent).join("; ");
  const bare = cell.cloneNode(true);
  bare.querySelectorAll("small").forEach((line) => line.remove());
  return { text: bare.textContent.trim(), detail, value: cell.dataset.value };
}

const heading = (head) => (head.note ? `${head.title} (${head.note})` : head.title);
const words = (cell) => `${cell.text} ${cell.detail}`.trim();

const FORMATS = {
  Markdown: ({ heads, rows }) => {
    const line = (cells) => `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |\n`;
    const rule = heads.map((head) => (head.numeric ? "---:" : "---"));
    return [heads.map(heading), rule, ...rows.map((row) => row.map(words))].map(line).join("");
  },
  LaTeX: ({ heads, rows }) => {
    const line = (cells) => `${cells.map(escapeLatex).join(" & ")} \\\\`;
    const alignment = heads.map((head) => (head.numeric ? "r" : "l")).join("");
    return [
      `\\begin{tabular}{${alignment}}`, "\\toprule", line(heads.map(heading)), "\\midrule",
      ...rows.map((row) => line(row.map(words))), "\\bottomrule", "\\end{tabular}", "",
    ].join("\n");
  },
  CSV: ({ heads, rows }) => {
    const detailed = heads.map((_, place) => rows.some((row) => row[place].detail));
    const quote = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const line = (pairs) =>
      `${pairs.flatMap((pair, place) => pair.slice(0, detailed[place] ? 2 : 1)).map(quote).join(",")}\n`;
    return [
      heads.map((head) => [heading(head), `${head.title} (detail)`]),
      ...rows.map((row) => row.map((cell) => [cell.value || cell.text, cell.detail])),
    ].map(line).join("");
  },
};

const LATEX = {
  "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}",
  "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "−": "$-$", "±": "$\\pm$",
  "×": "$\\times$", "Δ": "$\\Delta$", "–": "--", "<": "$<$", ">": "$>$",
};

function escapeLatex(text) {
  return [...text].map((character) => LATEX[character] ?? character).join("");
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
