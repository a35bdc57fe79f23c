// The dominator icicle: a click on a box shows it in full width, on what is above it goes back.
(() => {
  "use strict";
  const LEAST_TEXT = 42; // px below which a label says nothing
  for (const picture of document.querySelectorAll("svg.icicle")) {
    const boxes = [...picture.querySelectorAll("svg.ice")].map((box) => ({
      box, x: Number(box.dataset.x), width: Number(box.dataset.width), row: Number(box.dataset.row),
    }));
    let at = boxes[0];
    const draw = () => {
      const wide = picture.clientWidth;
      for (const b of boxes) {
        const holds = b.row < at.row && b.x <= at.x + 1e-3 && b.x + b.width >= at.x + at.width - 1e-3;
        const x = holds ? 0 : ((b.x - at.x) * 100) / at.width;
        const width = holds ? 100 : (b.width * 100) / at.width;
        const shown = holds || (b.row >= at.row && x > -1e-3 && x < 100 - 1e-3);
        b.box.setAttribute("x", `${x}%`);
        b.box.setAttribute("width", `${Math.max(0, Math.min(width, 100 - x))}%`);
        b.box.style.display = shown ? "" : "none";
        b.box.classList.toggle("above", holds);
        b.box.classList.toggle("bare", (Math.min(width, 100) * wide) / 100 < LEAST_TEXT);
      }
    };
    const look = (b) => { at = b === at && b.row ? parentOf(b) : b; draw(); };
    const parentOf = (b) => boxes.filter((o) => o.row === b.row - 1 && o.x <= b.x + 1e-3 && o.x + o.width >= b.x + b.width - 1e-3)[0] || boxes[0];
    for (const b of boxes) {
      b.box.setAttribute("tabindex", "0");
      b.box.addEventListener("click", () => look(b));
      b.box.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); look(b); }
        if (event.key === "Escape") { at = boxes[0]; draw(); }
      });
    }
    new ResizeObserver(draw).observe(picture);
    draw();
  }
})();
