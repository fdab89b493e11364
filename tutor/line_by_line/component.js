// A step's code, line by line: code and operations light up together, and the chosen line's values are shown.
(() => {
  "use strict";
  if (window.startLineByLine) {
    window.startLineByLine();
    return;
  }

  // From this many columns on, a cell shows its number only when it is pointed at or focused.
  const DENSE = 13;

  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  const isFinite = (number) => typeof number !== "string";

  const table = (value, index, say) => {
    const rows = value.tables[index];
    const place = value.places[index];
    const dense = rows.length > 0 && rows[0].length >= DENSE;
    const where = place.length ? ` at [${place.join(", ")}]` : "";
    const made = element("table", {className: dense ? "lbl-dense" : ""});
    made.setAttribute("role", "grid");
    made.append(element("caption", {}, `${value.name}${where}`));
    const head = element("tr", {}, element("td"));
    // In a dense table there is no room for names.
    const heading = (column) => (dense ? undefined : value.columns[column]) ?? String(column);
    rows[0].forEach((_, column) => head.append(element("th", {scope: "col"}, heading(column))));
    made.append(element("thead", {}, head));
    const body = element("tbody");
    rows.forEach((numbers, row) => {
      const line = element("tr", {}, element("th", {scope: "row"}, value.rows[row] ?? String(row)));
      numbers.forEach((number, column) => {
        const cell = element("td", {tabIndex: row || column ? -1 : 0}, element("span", {}, String(number)));
        const at = `[${[...place, row, column].slice(value.flat ? 1 : 0).join(", ")}]`;
        if (isFinite(number)) {
          const share = value.largest ? Math.abs(Number(number)) / value.largest : 0;
          cell.style.setProperty("--share", share.toFixed(3));
          cell.className = Number(number) < 0 ? "lbl-negative" : "lbl-positive";
        } else {
          cell.className = "lbl-infinite";
        }
        const names = [value.rows[row], value.columns[column]].filter((name) => name !== undefined).join(", ");
        const tell = () => say(`${value.name}${at}${names && ` (${names})`} = ${number}`);
        cell.addEventListener("pointerenter", tell);
        cell.addEventListener("focus", tell);
        line.append(cell);
      });
      body.append(line);
    });
    made.append(body);
    made.addEventListener("keydown", (event) => {
      const cell = event.target.closest("tbody td");
      const steps = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]};
      if (!cell || !(event.key in steps)) {
        return;
      }
      event.preventDefault();
      event.stopPropagation(); // the book turns its pages with these keys
      const [down, right] = steps[event.key];
      const next = body.rows[cell.parentElement.rowIndex - 1 + down]?.cells[cell.cellIndex + right];
      if (next?.matches("td")) {
        cell.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      }
    });
    return made;
  };

  const showValue = (value) => {
    const made = element("div", {className: "lbl-value"});
    const heading = element("p", {className: "lbl-heading"}, element("code", {}, value.name), ` ${value.shape} `);
    heading.append(element("span", {className: "lbl-aside"}, `${value.dtype}, ${value.range}`));
    if (value.inner) {
      heading.prepend(element("span", {className: "lbl-aside"}, "on the way: "));
    }
    made.append(heading);
    if (value.count === 1) {
      heading.querySelector(".lbl-aside:last-child").textContent = `${value.dtype} = ${value.tables[0][0][0]}`;
      return made;
    }
    if (!value.tables.length || !value.tables[0].length || !value.tables[0][0].length) {
      return made;
    }
    const said = element("output", {className: "lbl-readout"}, " ");
    const say = (text) => { said.textContent = text; };
    const scroll = element("div", {className: "lbl-scroll"});
    const show = (index) => scroll.replaceChildren(table(value, index, say));
    if (value.tables.length > 1) {
      const choice = element("select");
      value.places.forEach((place, index) => choice.append(element("option", {value: index}, `[${place.join(", ")}]`)));
      choice.addEventListener("change", () => show(Number(choice.value)));
      made.append(element("label", {className: "lbl-aside"}, "table at ", choice));
    }
    show(0);
    made.append(scroll, said);
    if (value.likely.length) {
      const rows = value.likely.map((row, index) => {
        const told = row.map(([name, number]) => element("td", {}, element("b", {}, name), ` ${number}`));
        return element("tr", {}, element("th", {scope: "row"}, value.rows[index] ?? ""), ...told);
      });
      made.append(element("table", {className: "lbl-likely"},
        element("caption", {}, "the largest in each row, and their tokens"), element("tbody", {}, ...rows)));
    }
    if (value.cut) {
      made.append(element("p", {className: "lbl-aside"}, value.cut));
    }
    return made;
  };

  const start = (root) => {
    root.dataset.ready = "true";
    const data = JSON.parse(root.querySelector("script").textContent);
    const said = root.querySelector(".lbl-said");
    const values = root.querySelector(".lbl-values");
    const columns = [".lbl-source", ".lbl-graph"].map((part) => [...root.querySelectorAll(`${part} button`)]);
    const parts = [...root.querySelectorAll("[data-line]")];
    let chosen = null;

    const light = (line) => parts.forEach((part) => part.classList.toggle("lbl-lit", part.dataset.line === line));

    const choose = (line) => {
      light(line);
      if (line === chosen) {
        return;
      }
      chosen = line;
      columns.forEach((buttons) => {
        buttons.forEach((button) => {
          button.tabIndex = -1;
          button.toggleAttribute("aria-current", false);
          if (button.dataset.line === line) {
            button.setAttribute("aria-current", "true");
          }
        });
        const first = buttons.find((button) => button.dataset.line === line) ?? buttons[0];
        if (first) {
          first.tabIndex = 0;
          // The column alone scrolls, and not the page.
          const column = first.closest(".lbl-column");
          const above = first.getBoundingClientRect().top - column.getBoundingClientRect().top;
          if (above < 0 || above > column.clientHeight - first.offsetHeight) {
            column.scrollTop += above - column.clientHeight / 3;
          }
        }
      });
      const made = data.lines[line];
      const told = made.values.filter((value) => !value.inner).map((value) => `${value.name} ${value.shape}`);
      const count = columns[1].filter((button) => button.dataset.line === line).length;
      const operations = count ? `${count} ${count === 1 ? "operation" : "operations"}` : "";
      said.textContent = [`Line ${line}: ${told.join("; ")}`, operations, made.note].filter(Boolean).join(". ");
      values.replaceChildren(...made.values.map(showValue));
    };

    root.addEventListener("pointerover", (event) => {
      const part = event.target.closest("[data-line]");
      light(part ? part.dataset.line : chosen);
    });
    root.addEventListener("pointerleave", () => light(chosen));
    columns.forEach((buttons) => buttons.forEach((button, index) => {
      button.addEventListener("focus", () => choose(button.dataset.line));
      button.addEventListener("click", () => choose(button.dataset.line));
      button.addEventListener("keydown", (event) => {
        const to = {ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: buttons.length - 1}[event.key];
        if (to !== undefined) {
          event.preventDefault();
          buttons[to]?.focus();
          if (buttons[to]) {
            button.tabIndex = -1;
            buttons[to].tabIndex = 0;
          }
        }
      });
    }));
    if (data.start !== null) {
      choose(String(data.start));
    }
  };

  window.startLineByLine = () => document.querySelectorAll(".line-by-line:not([data-ready])").forEach(start);
  window.startLineByLine();
})();
