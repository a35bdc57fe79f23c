// Charts of a flinkscope report: strips above one time axis, in SVG so that colours follow the theme.
// Data: {panels: [{title, unit, tall, series: [{name, kind, hue, x, y, dashed, shown}], levels}], marks, start_unix_ms}.
// Drag to zoom, double click or 0 to see all, arrows to walk along the points, legend buttons hide a line.
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const KEPT_CLOSE = 14; // px within which a mark is told with the cursor
  const MIN_DRAG = 8; // px below which a drag is a click

  const node = (name, attributes = {}, parent = null, text = null) => {
    const made = document.createElementNS(SVG, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== null) made.textContent = text;
    if (parent) parent.appendChild(made);
    return made;
  };
  const tag = (name, className, parent, text = null) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== null) made.textContent = text;
    if (parent) parent.appendChild(made);
    return made;
  };

  const words = JSON.parse(document.getElementById("words")?.textContent || "{}"); // another language than English
  const say = (text) => words[text] || text;
  const digits = (value) => {
    const size = Math.abs(value);
    return size >= 100 ? Math.round(value).toLocaleString("en") : size >= 10 ? value.toFixed(1) : value.toFixed(2);
  };
  const stepped = (value, steps, smallest) => {
    for (const [size, unit] of steps) if (Math.abs(value) >= size) return `${digits(value / size)} ${unit}`;
    return `${Math.round(value)} ${smallest}`;
  };
  const BYTES = [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]];
  const TIMES = [[3.6e12, "h"], [6e10, "min"], [1e9, "s"], [1e6, "ms"], [1e3, "µs"]];
  const shown = {
    bytes: (v) => stepped(v, BYTES, "B"),
    bytes_per_s: (v) => `${stepped(v, BYTES, "B")}/s`,
    ns: (v) => stepped(v, TIMES, "ns"),
    bp: (v) => `${(v / 100).toFixed(1)} %`,
    count: (v) => Math.round(v).toLocaleString("en"),
  };
  // Tick labels: no more digits than the step needs, so 64 MiB and not 64.0 MiB.
  const tickText = (unit, value) => shown[unit](value).replace(/\.0+(?=\D|$)/, "").replace(/(\.\d*[1-9])0+(?=\D|$)/, "$1");

  const niceStep = (span, count, unit) => {
    const rough = Math.max(span / count, 1e-9);
    if (unit === "bytes" || unit === "bytes_per_s") return 2 ** Math.ceil(Math.log2(rough));
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= rough);
  };
  const TIME_STEPS = [1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8, 2e8, 5e8, 1e9, 2e9, 5e9, 1e10, 1.5e10, 3e10, 6e10, 1.2e11, 3e11,
    6e11, 9e11, 1.8e12, 3.6e12, 7.2e12, 1.08e13, 2.16e13, 4.32e13, 8.64e13, 1.728e14, 4.32e14, 8.64e14, 2.592e15];
  const timeStep = (span, count) => TIME_STEPS.find((step) => step >= span / count) || span / count;
  const pad = (n) => String(n).padStart(2, "0");
  const uptime = (ns, step = 1e9) => {
    const s = Math.floor(ns / 1e9 + 1e-9);
    const clock = `${s >= 3600 ? `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}` : Math.floor(s / 60)}:${pad(s % 60)}`;
    return step >= 1e9 ? clock : `${clock}.${String(Math.floor(ns / 1e6) % 1000).padStart(3, "0")}`;
  };
  const wallClock = (unixMs, ns) => new Date(unixMs + ns / 1e6).toISOString().replace("T", " ").slice(0, 19) + " UTC";

  // index of the point nearest to x in an ascending column
  const nearest = (column, x) => {
    let low = 0, high = column.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (column[middle] < x) low = middle; else high = middle;
    }
    return Math.abs(column[low] - x) <= Math.abs(column[high] - x) ? low : high;
  };
  // index of the last point at or before x; -1 before the first
  const atOrBefore = (column, x) => {
    const near = nearest(column, x);
    return column[near] <= x ? near : near - 1;
  };

  class Chart {
    constructor(host, data) {
      this.host = host;
      this.data = data;
      this.panels = data.panels.map((panel) => ({ ...panel, hidden: panel.series.map((s) => !s.shown) }));
      const ends = this.panels.flatMap((p) => p.series.flatMap((s) => (s.x.length ? [s.x[0], s.x[s.x.length - 1]] : [])));
      const times = ends.concat(data.marks.map((m) => m.x));
      const first = times.length ? Math.min(0, ...times) : 0;
      const last = times.length ? Math.max(...times) : 1;
      this.whole = [first, Math.max(last, first + 1)];
      this.view = [...this.whole];
      this.cursor = null;
      this.build();
      new ResizeObserver(() => this.draw()).observe(host);
      matchMedia("print").addEventListener("change", () => this.draw());
    }

    build() {
      const bar = tag("div", "chart-bar", this.host);
      this.hint = tag("span", "chart-hint", bar, say("drag to zoom · arrow keys walk along"));
      for (const [label, title, act] of [["−", say("zoom out"), () => this.zoom(2)], ["+", say("zoom in"), () => this.zoom(0.5)],
        [say("all"), say("show the whole time"), () => this.show(...this.whole)]]) {
        const button = tag("button", "chart-button", bar, label);
        button.type = "button";
        button.title = title;
        button.setAttribute("aria-label", title);
        button.addEventListener("click", act);
      }
      this.stage = tag("div", "chart-stage", this.host);
      this.stage.tabIndex = 0;
      this.stage.setAttribute("role", "group");
      this.stage.setAttribute("aria-label", `${this.data.title}: ${say("chart; left and right arrows read the values, plus and minus zoom")}`);
      for (const panel of this.panels) this.buildPanel(panel);
      this.buildMarkKeys();
      this.tip = tag("div", "chart-tip", this.stage);
      this.tip.hidden = true;
      this.live = tag("div", "unseen", this.host);
      this.live.setAttribute("aria-live", "polite");
      this.listen();
    }

    buildPanel(panel) {
      const head = tag("div", "panel-head", this.stage);
      tag("span", "panel-title", head, panel.title);
      panel.series.forEach((series, index) => {
        const key = tag("button", "key", head);
        key.type = "button";
        const swatch = node("svg", { class: `swatch hue-${series.hue}`, width: 16, height: 10, "aria-hidden": "true" }, key);
        if (series.kind === "area" || series.kind === "bars") node("rect", { class: "bar", width: 16, height: 10, rx: 2 }, swatch);
        else node("line", { class: `line${series.dashed ? " dashed" : ""}`, x1: 0, x2: 16, y1: 5, y2: 5 }, swatch);
        tag("span", "", key, series.name);
        key.setAttribute("aria-pressed", String(!panel.hidden[index]));
        key.addEventListener("click", () => {
          panel.hidden[index] = !panel.hidden[index];
          key.setAttribute("aria-pressed", String(!panel.hidden[index]));
          this.draw();
        });
      });
      panel.svg = node("svg", { class: "panel", "aria-hidden": "true" }, this.stage);
    }

    buildMarkKeys() { // what the signs on the time axis mean
      const head = this.stage.querySelector(".panel-head");
      const kinds = new Set(this.data.marks.map((m) => m.kind));
      for (const [kind, name] of [["full_gc", say("full GC")], ["restart", say("JVM restart")], ["log", say("log line")]]) {
        if (!kinds.has(kind) || !head) continue;
        const key = tag("span", "key", head);
        const swatch = node("svg", { class: "swatch", width: 12, height: 10, "aria-hidden": "true" }, key);
        if (kind === "full_gc") node("path", { class: "mark-full", d: "M2 9L10 9L6 1Z" }, swatch);
        else node("line", { class: `mark-${kind}`, x1: 6, x2: 6, y1: 0, y2: 10 }, swatch);
        tag("span", "", key, name);
      }
    }

    listen() {
      let from = null;
      const at = (event) => this.timeAt(event.clientX - this.stage.getBoundingClientRect().left);
      this.stage.addEventListener("pointerdown", (event) => {
        if (event.button === 0 && event.target.closest("svg.panel")) from = event.clientX;
      });
      this.stage.addEventListener("pointermove", (event) => {
        const dragging = from !== null && Math.abs(event.clientX - from) >= MIN_DRAG;
        const left = this.stage.getBoundingClientRect().left;
        this.selection = dragging ? [from - left, event.clientX - left] : null;
        this.point(at(event));
      });
      addEventListener("pointerup", (event) => {
        this.selection = null;
        if (from !== null && Math.abs(event.clientX - from) >= MIN_DRAG) {
          const ends = [this.timeAt(from - this.stage.getBoundingClientRect().left), at(event)].sort((a, b) => a - b);
          this.show(...ends);
        }
        from = null;
      });
      this.stage.addEventListener("pointerleave", () => { if (from === null) this.point(null); });
      this.stage.addEventListener("dblclick", () => this.show(...this.whole));
      this.stage.addEventListener("keydown", (event) => this.onKey(event));
      this.stage.addEventListener("blur", () => this.point(null));
    }

    onKey(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.stage) return;
      const span = this.view[1] - this.view[0];
      const acts = {
        "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
        0: () => this.show(...this.whole), Escape: () => this.point(null),
        ArrowRight: () => (event.shiftKey ? this.pan(span / 4) : this.walk(1)),
        ArrowLeft: () => (event.shiftKey ? this.pan(-span / 4) : this.walk(-1)),
        Home: () => this.point(this.view[0]), End: () => this.point(this.view[1]),
      };
      if (!(event.key in acts)) return;
      event.preventDefault();
      acts[event.key]();
      this.live.textContent = this.cursor === null ? "" : this.readings().map((r) => r.join(" ")).join(", ");
    }

    walk(step) {
      const main = this.panels.flatMap((p) => p.series.filter((s, i) => !p.hidden[i] && s.x.length))[0];
      if (!main) return;
      const from = this.cursor === null ? (step > 0 ? -1 : main.x.length) : nearest(main.x, this.cursor);
      const to = Math.min(main.x.length - 1, Math.max(0, from + step));
      if (main.x[to] < this.view[0] || main.x[to] > this.view[1]) this.pan(main.x[to] - (this.view[0] + this.view[1]) / 2);
      this.point(main.x[to]);
    }

    zoom(factor) {
      const middle = this.cursor === null ? (this.view[0] + this.view[1]) / 2 : this.cursor;
      this.show(middle - (middle - this.view[0]) * factor, middle + (this.view[1] - middle) * factor);
    }

    pan(by) {
      const span = this.view[1] - this.view[0];
      const from = Math.min(Math.max(this.view[0] + by, this.whole[0]), this.whole[1] - span);
      this.show(from, from + span);
    }

    show(from, to) {
      const least = (this.whole[1] - this.whole[0]) / 5000;
      if (to - from < least) { const middle = (from + to) / 2; from = middle - least / 2; to = middle + least / 2; }
      this.view = [Math.max(this.whole[0], from), Math.min(this.whole[1], to)];
      this.draw();
    }

    point(time) {
      this.cursor = time === null ? null : Math.min(Math.max(time, this.view[0]), this.view[1]);
      this.drawCursor();
    }

    get left() { return this.width < 520 ? 52 : 72; }
    get right() { return this.width - (this.width < 520 ? 8 : 16); }
    place(time) { return this.left + ((time - this.view[0]) / (this.view[1] - this.view[0])) * (this.right - this.left); }
    timeAt(px) { return this.view[0] + ((px - this.left) / (this.right - this.left)) * (this.view[1] - this.view[0]); }

    draw() {
      this.width = Math.max(240, this.stage.clientWidth);
      this.panels.forEach((panel, index) => this.drawPanel(panel, index === 0, index === this.panels.length - 1));
      this.drawCursor();
    }

    drawPanel(panel, first, last) {
      const top = first ? 20 : 8, low = last ? 26 : 8;
      const inner = panel.tall ? (this.width < 520 ? 190 : 250) : 84;
      const height = top + inner + low, bottom = top + inner;
      panel.box = { top, bottom };
      panel.svg.setAttribute("width", this.width);
      panel.svg.setAttribute("height", height);
      panel.svg.replaceChildren();
      const visible = panel.series.filter((s, i) => !panel.hidden[i]);
      let ceiling = 0;
      for (const series of visible) for (let i = 0; i < series.x.length; i++) {
        if (series.y[i] !== null && series.y[i] > ceiling && this.mayShow(series, i)) ceiling = series.y[i];
      }
      for (const level of panel.levels) ceiling = Math.max(ceiling, level.value);
      if (panel.unit === "bp" && ceiling > 5000) ceiling = 10000;
      const step = niceStep(ceiling || 1, panel.tall ? 5 : 2, panel.unit);
      const high = ceiling ? ceiling * (panel.unit === "bp" && ceiling === 10000 ? 1 : 1.04) : step;
      panel.y = (value) => bottom - (Math.min(value, high * 1.2) / high) * inner;
      this.drawGrid(panel, step, high, last, bottom);
      const clip = `clip-${this.host.id}-${this.panels.indexOf(panel)}`;
      const defs = node("clipPath", { id: clip }, node("defs", {}, panel.svg));
      node("rect", { x: this.left, y: top - 6, width: this.right - this.left, height: inner + 7 }, defs);
      const ground = node("g", { "clip-path": `url(#${clip})` }, panel.svg);
      for (const series of visible) this.drawSeries(ground, panel, series, bottom);
      panel.levels.forEach((level, index) => this.drawLevel(panel, level, index));
      this.drawMarks(panel, first, top, bottom);
      panel.over = node("g", { class: "over" }, panel.svg);
    }

    mayShow(series, i) { // the point itself or the line to its neighbour is in view
      return (series.x[i + 1] ?? series.x[i]) >= this.view[0] && (series.x[i - 1] ?? series.x[i]) <= this.view[1];
    }

    drawGrid(panel, step, high, last, bottom) {
      for (let value = 0; value <= high * 1.0001; value += step) {
        const y = panel.y(value);
        node("line", { class: value ? "grid" : "axis", x1: this.left, x2: this.right, y1: y, y2: y }, panel.svg);
        node("text", { class: "tick", x: this.left - 8, y: y + 4, "text-anchor": "end" }, panel.svg, tickText(panel.unit, value));
      }
      const span = this.view[1] - this.view[0];
      const every = timeStep(span, Math.max(3, (this.right - this.left) / 110));
      for (let time = Math.ceil(this.view[0] / every) * every; time <= this.view[1]; time += every) {
        const x = this.place(time);
        node("line", { class: "grid", x1: x, x2: x, y1: panel.box.top, y2: bottom }, panel.svg);
        if (last) node("text", { class: "tick", x, y: bottom + 18, "text-anchor": "middle" }, panel.svg, uptime(time, every));
      }
    }

    drawSeries(ground, panel, series, bottom) {
      const group = node("g", { class: `hue-${series.hue}` }, ground);
      const points = [];
      for (let i = 0; i < series.x.length; i++) {
        if (this.mayShow(series, i)) points.push(series.y[i] === null ? null : [this.place(series.x[i]), panel.y(series.y[i])]);
      }
      if (series.kind === "bars") {
        const d = points.map((p) => (p ? `M${p[0].toFixed(1)} ${bottom}V${Math.min(p[1], bottom - 1).toFixed(1)}` : "")).join("");
        node("path", { class: "stick", d }, group);
        return;
      }
      if (series.kind === "points") {
        for (const p of points) if (p) node("circle", { class: "dot", cx: p[0], cy: p[1], r: 2.5 }, group);
        return;
      }
      for (const run of this.runs(points)) {
        const line = this.lineThrough(run, series.kind === "step");
        if (series.kind === "area") {
          node("path", { class: "fill", d: `${line}V${bottom}H${run[0][0].toFixed(1)}Z` }, group);
        }
        const style = `line${series.dashed ? " dashed" : ""}${series.kind === "step" ? " bold" : ""}`;
        node("path", { class: style, d: line }, group);
        if (series.kind === "step" || run.length === 1) {
          for (const p of run.length > 200 ? [] : run) node("circle", { class: "dot", cx: p[0], cy: p[1], r: 2.5 }, group);
        }
      }
    }

    runs(points) { // stretches without a gap
      const runs = [[]];
      for (const p of points) if (p) runs[runs.length - 1].push(p); else runs.push([]);
      return runs.filter((run) => run.length);
    }

    lineThrough(run, steps) {
      let d = `M${run[0][0].toFixed(1)} ${run[0][1].toFixed(1)}`;
      for (const [x, y] of run.slice(1)) d += steps ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `L${x.toFixed(1)} ${y.toFixed(1)}`;
      return d;
    }

    drawLevel(panel, level, index) {
      const y = panel.y(level.value);
      const group = node("g", { class: `hue-${level.hue}` }, panel.svg);
      node("line", { class: "line dashed", x1: this.left, x2: this.right, y1: y, y2: y }, group);
      node("text", { class: "label", x: this.left + 6 + index * 170, y: y + 15 }, group, `${level.name} ${shown[panel.unit](level.value)}`);
    }

    drawMarks(panel, first, top, bottom) {
      for (const mark of this.data.marks) {
        if (mark.x < this.view[0] || mark.x > this.view[1]) continue;
        const x = this.place(mark.x);
        if (mark.kind === "full_gc") {
          if (first) node("path", { class: "mark-full", d: `M${x - 3.5} ${bottom + 6}L${x + 3.5} ${bottom + 6}L${x} ${bottom}Z` }, panel.svg);
          continue;
        }
        node("line", { class: `mark-${mark.kind}`, x1: x, x2: x, y1: first ? 14 : 0, y2: bottom }, panel.svg);
        if (!first) continue;
        const end = x > (this.left + this.right) / 2;
        node("text", { class: `label mark-${mark.kind}`, x: end ? x + 2 : x - 2, y: 10, "text-anchor": end ? "end" : "start" }, panel.svg, mark.text);
      }
    }

    // [name, value, hue] of everything at the cursor
    readings() {
      const rows = [["at", uptime(this.cursor, 1), 0]];
      if (this.data.start_unix_ms !== null) rows[0][1] += ` · ${wallClock(this.data.start_unix_ms, this.cursor)}`;
      for (const panel of this.panels) {
        panel.series.forEach((series, i) => {
          if (panel.hidden[i] || !series.x.length) return;
          const at = series.kind === "step" ? atOrBefore(series.x, this.cursor) : nearest(series.x, this.cursor);
          if (at < 0 || series.y[at] === null) return;
          if (series.kind === "bars" && Math.abs(this.place(series.x[at]) - this.place(this.cursor)) > KEPT_CLOSE) return;
          rows.push([series.name, shown[panel.unit](series.y[at]), series.hue]);
        });
      }
      const px = this.place(this.cursor);
      const close = this.data.marks.filter((m) => Math.abs(this.place(m.x) - px) <= KEPT_CLOSE / 2);
      close.sort((a, b) => Math.abs(this.place(a.x) - px) - Math.abs(this.place(b.x) - px));
      if (close.length) rows.push([close[0].text, "", 0]);
      return rows;
    }

    drawCursor() {
      for (const panel of this.panels) {
        if (!panel.over) continue;
        panel.over.replaceChildren();
        const { top, bottom } = panel.box;
        if (this.selection) {
          const [a, b] = [...this.selection].sort((p, q) => p - q).map((p) => Math.min(Math.max(p, this.left), this.right));
          node("rect", { class: "selection", x: a, y: top, width: b - a, height: bottom - top }, panel.over);
        }
        if (this.cursor === null) continue;
        const x = this.place(this.cursor);
        node("line", { class: "cursor", x1: x, x2: x, y1: top, y2: bottom }, panel.over);
      }
      this.tip.hidden = this.cursor === null;
      if (this.cursor === null) return;
      this.tip.replaceChildren();
      for (const [name, value, hue] of this.readings()) {
        const row = tag("div", "tip-row", this.tip);
        if (hue) tag("i", `tip-dot hue-${hue}`, row);
        tag("span", value ? "tip-name" : "", row, name);
        if (value) tag("b", "", row, value);
      }
      const x = this.place(this.cursor), wide = this.tip.offsetWidth;
      this.tip.style.left = `${Math.max(0, x + 14 + wide > this.width ? x - wide - 14 : x + 14)}px`;
    }
  }

  for (const host of document.querySelectorAll("[data-chart]")) {
    const data = host.querySelector("script[type='application/json']");
    new Chart(host, JSON.parse(data.textContent));
  }
})();
