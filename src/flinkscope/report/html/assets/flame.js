// The flame graph of a flinkscope page: an icicle on a canvas; callers above, callees below.
// Data: {unit, titles, threads, frames: [[name, hue]], node: {frame, depth, own: [[…], …]}}, nodes in the order of a walk.
(() => {
  "use strict";
  const holder = document.getElementById("flame-data");
  if (!holder) return;
  const data = JSON.parse(holder.textContent);
  const profiles = data.titles.length;
  const compares = profiles === 2;
  const ROW = 19, LEAST = 0.6, TEXT_FROM = 26; // px
  const INVERTED_LEAST = 20000; // inverted, what is below 1/20,000 of the whole is left out
  const byId = (id) => document.getElementById(id);
  const canvas = byId("flame"), line = byId("flame-line"), found = byId("flame-found");
  const context = canvas.getContext("2d");

  const digits = (v) => (v >= 100 ? Math.round(v).toLocaleString("en") : v >= 10 ? v.toFixed(1) : v.toFixed(2));
  const stepped = (v, steps, least) => {
    for (const [size, unit] of steps) if (v >= size) return `${digits(v / size)} ${unit}`;
    return `${Math.round(v)} ${least}`;
  };
  const shown = {
    bytes: (v) => stepped(v, [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]], "B"),
    ns: (v) => stepped(v, [[3.6e12, "h"], [6e10, "min"], [1e9, "s"], [1e6, "ms"], [1e3, "µs"]], "ns"),
    samples: (v) => `${v.toLocaleString("en")} samples`,
  }[data.unit];
  const percent = (part, whole) => `${(whole ? (part * 100) / whole : 0).toFixed(2)} %`;

  const made = (frame, parent) => ({ frame, parent, own: new Array(profiles).fill(0), value: null, kids: new Map() });
  const child = (node, frame) => {
    let kid = node.kids.get(frame);
    if (!kid) node.kids.set(frame, kid = made(frame, node));
    return kid;
  };
  const readTree = () => {
    const root = made(-1, null), path = [root];
    data.node.frame.forEach((frame, i) => {
      const depth = data.node.depth[i];
      const node = made(frame, path[depth]);
      path[depth].kids.set(frame, node);
      path[depth + 1] = node;
      for (let p = 0; p < profiles; p++) node.own[p] = data.node.own[p][i];
    });
    return root;
  };
  const everyNode = (root) => {
    const order = [root];
    for (let i = 0; i < order.length; i++) for (const kid of order[i].kids.values()) order.push(kid);
    return order;
  };
  const weigh = (root) => {
    const order = everyNode(root);
    for (const node of order) node.value = node.own.slice();
    for (let i = order.length - 1; i > 0; i--) order[i].value.forEach((v, p) => { order[i].parent.value[p] += v; });
    for (const node of order) {
      node.sorted = [...node.kids.values()].sort((a, b) =>
        data.frames[a.frame][0] < data.frames[b.frame][0] ? -1 : data.frames[a.frame][0] > data.frames[b.frame][0] ? 1 : 0);
    }
    return root;
  };
  const whole = weigh(readTree());

  // What is looked at: all threads in one, one by one, or a single one; upright or inverted.
  const state = { thread: data.threads ? "merged" : "", inverted: false, width: profiles - 1, focus: null, at: null, query: null };
  const pour = (from, into) => { // adds the tree below `from` to the tree below `into`
    const waiting = [[from, into]];
    while (waiting.length) {
      const [source, target] = waiting.pop();
      source.own.forEach((v, p) => { target.own[p] += v; });
      for (const kid of source.kids.values()) waiting.push([kid, child(target, kid.frame)]);
    }
  };
  const chosen = () => {
    if (state.thread === "" || state.thread === "each") return whole;
    const root = made(-1, null);
    for (const thread of whole.kids.values()) {
      if (state.thread === "merged" || state.thread === String(thread.frame)) pour(thread, root);
    }
    return weigh(root);
  };
  const invertedOf = (tree) => {
    const root = made(-1, null);
    const least = tree.value.map((v) => v / INVERTED_LEAST);
    for (const node of everyNode(tree)) {
      if (node === tree || !node.own.some((v, p) => v > least[p])) continue;
      let at = root;
      for (let from = node; from.parent; from = from.parent) at = child(at, from.frame);
      node.own.forEach((v, p) => { at.own[p] += v; });
    }
    return weigh(root);
  };
  let tree = null, boxes = [], largestChange = 0;
  const rebuild = () => {
    tree = state.inverted ? invertedOf(chosen()) : chosen();
    state.focus = state.at = tree;
    largestChange = 0;
    if (compares) for (const node of everyNode(tree)) if (node !== tree) largestChange = Math.max(largestChange, Math.abs(change(node)));
    search();
    draw();
  };

  const share = (node, p) => (tree.value[p] ? node.value[p] / tree.value[p] : 0);
  const change = (node) => share(node, 1) - share(node, 0);
  const name = (node) => (node === tree ? "all" : data.frames[node.frame][0]);
  const lineage = (node) => { const path = []; for (let at = node; at; at = at.parent) path.unshift(at); return path; };

  const place = (width) => { // boxes: {node, x, y, w, faded}
    boxes = [];
    const above = lineage(state.focus);
    above.forEach((node, row) => boxes.push({ node, x: 0, y: row * ROW, w: width, faded: node !== state.focus }));
    const size = state.focus.value[state.width];
    if (!size) return;
    const waiting = [[state.focus, 0, above.length]];
    while (waiting.length) {
      const [node, start, row] = waiting.pop();
      let x = start;
      for (const kid of node.sorted) {
        const w = (kid.value[state.width] / size) * width;
        if (w >= LEAST) {
          boxes.push({ node: kid, x, y: row * ROW, w, faded: false });
          waiting.push([kid, x, row + 1]);
        }
        x += w;
      }
    }
  };
  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const of = (key) => style.getPropertyValue(key).trim();
    return { hues: [0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => of(n ? `--h${n}` : "--soft")), ground: of("--sunk"), paper: of("--paper"),
      ink: of("--ink"), mono: of("--mono"), dark: matchMedia("(prefers-color-scheme: dark)").matches };
  };
  const shade = (text) => { // the same frame has the same shade everywhere
    let hash = 0;
    for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) | 0;
    return 0.74 + ((hash >>> 0) % 27) / 100;
  };
  const paint = (box, c) => {
    const { node } = box, text = name(node);
    context.globalAlpha = 1;
    context.fillStyle = c.ground;
    context.fillRect(box.x, box.y, Math.max(box.w - 1, LEAST), ROW - 1);
    let hue = node === tree ? 7 : data.frames[node.frame][1];
    let alpha = shade(text);
    if (compares && node !== tree) {
      const grown = change(node);
      hue = grown > 0 ? 2 : 1;
      alpha = largestChange ? Math.min(1, 0.1 + 0.9 * Math.sqrt(Math.abs(grown) / largestChange)) : 0.1;
    }
    const hit = state.query && node !== tree && state.query(text);
    context.globalAlpha = box.faded ? alpha * 0.45 : state.query && !hit ? alpha * 0.3 : alpha;
    context.fillStyle = hit ? c.hues[6] : c.hues[hue];
    context.fillRect(box.x, box.y, Math.max(box.w - 1, LEAST), ROW - 1);
    context.globalAlpha = 1;
    if (node === state.at) {
      context.strokeStyle = c.ink;
      context.lineWidth = 2;
      context.strokeRect(box.x + 1, box.y + 1, Math.max(box.w - 3, 1), ROW - 3);
    }
    if (box.w > TEXT_FROM) label(box, text, c, alpha * (box.faded || (state.query && !hit) ? 0.4 : 1));
  };
  const label = (box, text, c, strength) => {
    const room = Math.floor((box.w - 8) / letter);
    if (room < 3) return;
    const short = text.length <= room ? text : shortened(text, room);
    context.fillStyle = strength < 0.6 ? c.ink : c.dark ? "#0d1117" : "#ffffff";
    context.fillText(short, box.x + 4, box.y + ROW / 2);
  };
  const shortened = (text, room) => { // Class.method is worth more than its package
    const parts = text.split("(")[0].split(".");
    const tail = parts.slice(-2).join(".");
    return tail.length <= room && parts.length > 2 ? tail : `${(parts.length > 2 ? tail : text).slice(0, room - 1)}…`;
  };
  let letter = 7;
  const draw = () => {
    const width = canvas.parentElement.clientWidth;
    place(width);
    const height = boxes.reduce((most, box) => Math.max(most, box.y), 0) + ROW + 2;
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(Math.min(height, 16000) * scale);
    canvas.style.height = `${Math.min(height, 16000)}px`;
    const c = colours();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.font = `12px ${c.mono}`;
    context.textBaseline = "middle";
    letter = context.measureText("abcdefghij").width / 10;
    for (const box of boxes) paint(box, c);
    tell(state.at);
  };

  const tell = (node) => {
    line.textContent = "";
    const title = document.createElement("b");
    title.textContent = name(node);
    line.append(title, document.createElement("br"), sentence(node));
  };
  const sentence = (node) => {
    if (!compares) {
      const own = node.own[0] ? `; ${shown(node.own[0])} (${percent(node.own[0], tree.value[0])}) in itself` : "";
      return `${shown(node.value[0])}, ${percent(node.value[0], tree.value[0])} of all${own}`;
    }
    const points = change(node) * 100;
    const told = data.titles.map((title, p) => `${title}: ${shown(node.value[p])}, ${percent(node.value[p], tree.value[p])}`);
    return `${told.join("; ")}; ${points >= 0 ? "+" : "−"}${Math.abs(points).toFixed(2)} percentage points`;
  };

  const focusOn = (node) => { state.focus = state.at = node; draw(); };
  const select = (node) => {
    if (!node) return;
    state.at = node;
    if (!boxes.some((box) => box.node === node)) state.focus = node.parent || tree; // too small to see: go closer
    draw();
  };
  const neighbour = (step) => {
    const row = state.at.parent ? state.at.parent.sorted.filter((kid) => kid.value[state.width]) : [];
    return row[row.indexOf(state.at) + step];
  };
  const largestKid = () => state.at.sorted.reduce((best, kid) =>
    (kid.value[state.width] > (best ? best.value[state.width] : 0) ? kid : best), null);
  const zoomOut = () => focusOn(state.focus.parent || tree);

  const pattern = (text) => {
    const regex = text.match(/^\/(.+)\/$/);
    if (regex) {
      const compiled = new RegExp(regex[1], "i");
      return (value) => compiled.test(value);
    }
    const wanted = text.toLowerCase();
    return (value) => value.toLowerCase().includes(wanted);
  };
  const search = () => {
    const text = byId("flame-search").value.trim();
    byId("flame-search").classList.remove("bad");
    state.query = null;
    found.textContent = "";
    if (!text) return;
    let query;
    try { query = pattern(text); } catch { byId("flame-search").classList.add("bad"); found.textContent = "not a pattern"; return; }
    state.query = query;
    const sums = new Array(profiles).fill(0), waiting = [tree];
    while (waiting.length) { // the outermost frame that matches counts, so nothing counts twice
      const node = waiting.pop();
      if (node !== tree && query(name(node))) node.value.forEach((v, p) => { sums[p] += v; });
      else waiting.push(...node.sorted);
    }
    found.textContent = compares
      ? sums.map((sum, p) => `${data.titles[p]} ${percent(sum, tree.value[p])}`).join(", ")
      : `${percent(sums[0], tree.value[0])}, ${shown(sums[0])}`;
  };
  const nextFound = () => {
    if (!state.query) return;
    const order = boxes.filter((box) => box.node !== tree && state.query(name(box.node)));
    const after = order.findIndex((box) => box.node === state.at);
    if (order.length) select(order[(after + 1) % order.length].node);
  };

  const under = (event) => {
    const area = canvas.getBoundingClientRect(), x = event.clientX - area.left, y = event.clientY - area.top;
    return boxes.find((box) => y >= box.y && y < box.y + ROW && x >= box.x && x < box.x + Math.max(box.w, 2));
  };
  canvas.addEventListener("mousemove", (event) => { const box = under(event); tell(box ? box.node : state.at); });
  canvas.addEventListener("mouseleave", () => tell(state.at));
  canvas.addEventListener("click", (event) => { const box = under(event); if (box) focusOn(box.node); });
  const invert = () => {
    state.inverted = !state.inverted;
    byId("flame-invert").setAttribute("aria-pressed", String(state.inverted));
    rebuild();
  };
  const KEYS = {
    ArrowUp: () => select(state.at.parent), ArrowDown: () => select(largestKid()),
    ArrowLeft: () => select(neighbour(-1)), ArrowRight: () => select(neighbour(1)),
    Enter: () => focusOn(state.at), Escape: zoomOut, Backspace: zoomOut, 0: () => focusOn(tree), Home: () => focusOn(tree),
    n: nextFound, i: invert, "/": () => byId("flame-search").focus(),
  };
  canvas.addEventListener("keydown", (event) => {
    const action = event.ctrlKey || event.metaKey || event.altKey ? null : KEYS[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  byId("flame-search").addEventListener("input", () => { search(); draw(); });
  byId("flame-search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") { nextFound(); canvas.focus(); }
    if (event.key === "Escape") { event.target.value = ""; search(); draw(); canvas.focus(); }
  });
  byId("flame-invert").addEventListener("click", invert);
  byId("flame-out").addEventListener("click", zoomOut);
  byId("flame-reset").addEventListener("click", () => focusOn(tree));
  byId("flame-width").addEventListener("change", (event) => { state.width = Number(event.target.value); draw(); });
  byId("flame-thread").addEventListener("change", (event) => { state.thread = event.target.value; rebuild(); });

  const option = (value, text) => {
    const entry = document.createElement("option");
    entry.value = value;
    entry.textContent = text;
    byId("flame-thread").append(entry);
  };
  if (data.threads) {
    option("merged", "all in one");
    option("each", "one beside the other");
    const weight = (node) => Math.max(...node.value.map((v, p) => (whole.value[p] ? v / whole.value[p] : 0)));
    for (const thread of [...whole.sorted].sort((a, b) => weight(b) - weight(a))) {
      option(String(thread.frame), `${(weight(thread) * 100).toFixed(1)} % ${data.frames[thread.frame][0]}`);
    }
    byId("flame-thread-label").hidden = false;
  }
  byId("flame-width-label").hidden = !compares;
  document.querySelector(".page").classList.add("wide");
  document.querySelector(".flame-bar").hidden = false;
  let drawnWidth = canvas.parentElement.clientWidth;
  new ResizeObserver(() => {
    if (canvas.parentElement.clientWidth !== drawnWidth) draw();
    drawnWidth = canvas.parentElement.clientWidth;
  }).observe(canvas.parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  rebuild();
})();
