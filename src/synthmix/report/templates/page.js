(function () {
  "use strict";
  const drawing = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 44rem)");

  function theme() {
    return root.dataset.theme || (prefersDark.matches ? "dark" : "light");
  }

  // Colours travel as "@token"; only values under keys that hold colours are looked up, so no name can be one.
  function resolve(value, palette, key) {
    if (Array.isArray(value)) return value.map((v) => resolve(v, palette, key));
    if (value && typeof value === "object") {
      const out = {};
      for (const k of Object.keys(value)) out[k] = resolve(value[k], palette, k);
      return out;
    }
    if (typeof value === "string" && value[0] === "@" && /color(scale)?$/.test(key || "")) {
      return palette[value.slice(1)];
    }
    return value;
  }

  // Names stand beside their lines where there is room; on a narrow screen the legend alone names them.
  function fitted(layout, data) {
    const notes = layout.annotations || [];
    const direct = notes.filter((n) => n.name === "direct");
    if (narrow.matches) {
      layout.annotations = notes.filter((n) => n.name !== "direct");
      const names = layout.showlegend ? new Set(data.map((t) => t.name).filter(Boolean)).size : 0;
      const room = layout.showlegend ? 22 * Math.ceil(names / 2) - 30 : 0;
      layout.margin = Object.assign({}, layout.margin, { l: 44, r: 14, b: layout.margin.b + room });
      layout.height = layout.height + room;
      layout.dragmode = false;
      layout.font.size = 11;
    } else if (direct.length) {
      const longest = Math.max(...direct.map((n) => n.text.length));
      layout.margin = Object.assign({}, layout.margin, { r: 24 + 6.4 * Math.min(longest, 28) });
    }
    return layout;
  }

  const shown = {};
  let paper = false; // while it is printed
  function draw(id) {
    const figure = document.querySelector('[data-figure="' + id + '"]');
    const holder = figure && figure.querySelector(".plot");
    if (!holder || !window.Plotly) return;
    const spec = resolve(drawing.figures[id][shown[id] || 0], drawing.themes[theme()]);
    const layout = fitted(spec.layout, spec.data);
    layout.uirevision = String(shown[id] || 0);
    const fills = figure.dataset.fills !== undefined; // a slide, which is 1,280 pixels wide on paper
    if (fills) {
      const scale = paper ? 1280 / document.getElementById("slide").clientWidth : 1;
      layout.width = scale * holder.clientWidth;
      layout.height = scale * holder.clientHeight;
      layout.font.size = Math.max(9, layout.height / 32);
    } else if (paper) {
      layout.width = 686;
      layout.height = Math.min(layout.height, 250);
      layout.font.size = 10;
    }
    const config = Object.assign({}, drawing.config, { displayModeBar: narrow.matches || fills ? false : "hover" });
    window.Plotly.react(holder, spec.data, layout, config);
  }
  function drawAll() {
    Object.keys(drawing.figures).forEach(draw);
  }

  document.querySelectorAll("[data-figure]").forEach((figure) => {
    const views = figure.querySelector(".views");
    if (views) {
      views.addEventListener("change", (event) => {
        shown[figure.dataset.figure] = Number(event.target.value);
        draw(figure.dataset.figure);
        const chosen = event.target.closest("label").querySelector("span, option:checked");
        figure.querySelector(".only").textContent = chosen.textContent;
      });
    }
  });

  const toggle = document.getElementById("theme");
  function label() {
    if (!toggle) return;
    toggle.textContent = theme() === "dark" ? "Light" : "Dark";
    toggle.setAttribute("aria-pressed", String(theme() === "dark"));
  }
  if (toggle) toggle.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    label();
    drawAll();
  });
  prefersDark.addEventListener("change", () => { label(); drawAll(); });
  narrow.addEventListener("change", drawAll);
  if (document.querySelector("[data-fills]")) window.addEventListener("resize", drawAll);
  // Paper is light, whatever the screen is.
  let before;
  window.addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
    paper = true;
    drawAll();
  });
  window.addEventListener("afterprint", () => {
    if (before) root.dataset.theme = before;
    else delete root.dataset.theme;
    delete root.dataset.print;
    paper = false;
    drawAll();
    document.querySelectorAll(".plot").forEach((holder) => {
      if (window.Plotly && !holder.closest("[data-fills]")) window.Plotly.Plots.resize(holder);
    });
  });
  const whole = document.getElementById("print");
  if (whole) {
    whole.addEventListener("click", () => { root.dataset.print = "whole"; window.print(); });
  }

  // Downloads: a figure as it is shown, on the page's own light ground; a table as CSV with all its digits.
  function named(what) {
    return (drawing.name + "-" + what).replace(/[^\p{L}\p{N}._-]+/gu, "-");
  }
  function save(name) {
    const address = URL.createObjectURL(new Blob([drawing.tables[name]], { type: "text/csv" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = named(name) + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }
  document.querySelectorAll("[data-sheet]").forEach((button) => {
    button.addEventListener("click", () => save(button.dataset.sheet));
  });
  document.querySelectorAll("[data-table]").forEach((table) => {
    const name = table.dataset.table;
    if (drawing.tables[name] === undefined) return;
    const row = document.createElement("p");
    const button = document.createElement("button");
    row.className = "get";
    button.type = "button";
    button.textContent = "CSV";
    button.setAttribute("aria-label", "CSV of " + table.getAttribute("aria-label"));
    button.addEventListener("click", () => save(name));
    row.appendChild(button);
    table.after(row);
  });
  document.querySelectorAll("[data-format]").forEach((button) => {
    button.addEventListener("click", () => {
      const figure = button.closest("[data-figure]");
      const id = figure.dataset.figure;
      const spec = resolve(drawing.figures[id][shown[id] || 0], drawing.themes.light);
      const layout = fitted(spec.layout, spec.data);
      layout.paper_bgcolor = layout.plot_bgcolor = drawing.themes.light.panel;
      const size = { width: 1000, height: layout.height, scale: button.dataset.format === "png" ? 2 : 1 };
      const how = Object.assign({ format: button.dataset.format, filename: named(id) }, size);
      window.Plotly.downloadImage({ data: spec.data, layout: layout }, how);
    });
  });

  const table = document.getElementById("run-table");
  if (table) {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    function value(row, column) {
      const cell = row.cells[column];
      if (cell.dataset.v === undefined) return cell.textContent.trim();
      return cell.dataset.v === "" ? NaN : Number(cell.dataset.v);
    }
    function compare(a, b) {
      if (typeof a === "string") return a.localeCompare(b);
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
      return a - b;
    }
    table.tHead.querySelectorAll("button").forEach((button, column) => {
      const head = button.parentElement;
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        table.tHead.querySelectorAll("th").forEach((th) => th.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        rows.sort((a, b) => (down ? -1 : 1) * compare(value(a, column), value(b, column)));
        rows.forEach((row) => body.appendChild(row));
      });
    });
    const filter = document.getElementById("filter");
    const count = document.getElementById("shown");
    function sift() {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      rows.forEach((row) => {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        left += row.hidden ? 0 : 1;
      });
      count.textContent = left + " of " + rows.length + " runs";
    }
    filter.addEventListener("input", sift);
    sift();
  }

  label();
  drawAll();
})();
