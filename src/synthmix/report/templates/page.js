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
  function draw(id) {
    const holder = document.querySelector('[data-figure="' + id + '"] .plot');
    if (!holder || !window.Plotly) return;
    const spec = resolve(drawing.figures[id][shown[id] || 0], drawing.themes[theme()]);
    const layout = fitted(spec.layout, spec.data);
    layout.uirevision = String(shown[id] || 0);
    const config = Object.assign({}, drawing.config, { displayModeBar: narrow.matches ? false : "hover" });
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
    toggle.textContent = theme() === "dark" ? "Light" : "Dark";
    toggle.setAttribute("aria-pressed", String(theme() === "dark"));
  }
  toggle.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    label();
    drawAll();
  });
  prefersDark.addEventListener("change", () => { label(); drawAll(); });
  narrow.addEventListener("change", drawAll);
  // Paper is light, whatever the screen is.
  let before;
  window.addEventListener("beforeprint", () => { before = root.dataset.theme; root.dataset.theme = "light"; drawAll(); });
  window.addEventListener("afterprint", () => {
    if (before) root.dataset.theme = before;
    else delete root.dataset.theme;
    drawAll();
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
