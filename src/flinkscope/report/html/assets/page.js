// Copy buttons, and the section that is being read is marked in the table of contents.
(() => {
  "use strict";
  const words = JSON.parse(document.getElementById("words")?.textContent || "{}");
  const say = (text) => words[text] || text;
  const copied = (button, worked) => {
    const before = button.textContent;
    button.textContent = worked ? say("copied") : say("select and copy by hand");
    setTimeout(() => { button.textContent = before; }, 1600);
  };
  const byHand = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.className = "unseen";
    document.body.appendChild(area);
    area.select();
    const worked = document.execCommand("copy");
    area.remove();
    return worked;
  };
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = button.dataset.copy;
      try {
        await navigator.clipboard.writeText(text);
        copied(button, true);
      } catch {
        copied(button, byHand(text));
      }
    });
  }
  const links = new Map([...document.querySelectorAll("nav a[href^='#']")].map((a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) links.get(entry.target.id)?.classList.toggle("here", entry.isIntersecting);
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const id of links.keys()) {
    const section = document.getElementById(id);
    if (section) seen.observe(section);
  }
})();
