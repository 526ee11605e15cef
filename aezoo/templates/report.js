"use strict";
(() => {
  const status = document.getElementById("sorted");
  const empty = (value) => value === null || value === "" || value === "–";

  const valueOf = (cell) => {
    const given = cell.dataset.value ?? (cell.classList.contains("number") ? "" : cell.textContent.trim());
    const number = Number(given.replaceAll(",", ""));
    return empty(given) ? null : Number.isNaN(number) ? given : number;
  };

  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };

  const sortBody = (body, column, sign) => {
    const rows = [...body.rows].map((row) => [row, row.cells[column] ? valueOf(row.cells[column]) : null]);
    rows.sort(([, a], [, b]) => (a === null || b === null ? (a === null) - (b === null) : sign * compare(a, b)));
    body.append(...rows.map(([row]) => row));
  };

  const sortBy = (table, head, heads) => {
    const higher = head.querySelector("abbr")?.title.startsWith("higher");
    const before = head.getAttribute("aria-sort");
    const first = higher ? "descending" : "ascending";
    const now = before === null ? first : before === "ascending" ? "descending" : "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", now);
    for (const body of table.tBodies) {
      if (!body.classList.contains("reference")) sortBody(body, head.cellIndex, now === "ascending" ? 1 : -1);
    }
    if (status) status.textContent = `sorted by ${head.textContent.trim()}, ${now}`;
  };

  for (const table of document.querySelectorAll(".comparison table, table.sortable")) {
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sortBy(table, head, heads));
    }
  }
  for (const hint of document.querySelectorAll(".hint")) hint.hidden = false;
})();
