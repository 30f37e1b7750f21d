// The filter as one types, links out of Airflow's frame, and the values of a gate's cell. All of the page works without.
const filter = document.getElementById("filter");
let asked = 0;
async function show(address) {
  const mine = ++asked;
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  if (!answer.ok) { location.href = address; return; }
  const text = await answer.text();
  if (mine !== asked) return;
  const rows = new DOMParser().parseFromString(text, "text/html").getElementById("rows");
  if (!rows) { location.href = address; return; }
  document.getElementById("rows").replaceWith(rows);
  history.replaceState(null, "", address);
}
if (filter) {
  let waiting;
  const ask = () => {
    const query = new URLSearchParams([...new FormData(filter)].filter(([, value]) => value));
    show(`${location.pathname}?${query}`);
  };
  filter.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 120); });
  filter.addEventListener("submit", event => { event.preventDefault(); clearTimeout(waiting); ask(); });
}
function inFrame() {
  try { return window.parent !== window && Boolean(window.parent.document); } catch { return false; }
}
document.addEventListener("click", event => {
  const link = event.target.closest("a");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.hasAttribute("data-top") && inFrame()) {
    event.preventDefault();
    const outside = window.parent.document.createElement("a");
    outside.href = link.href;
    window.parent.document.body.append(outside);
    outside.click();
    outside.remove();
    return;
  }
  if (filter && link.closest("#rows thead, #rows + .pages, #rows .pages")) {
    event.preventDefault();
    const query = new URL(link.href).searchParams;
    for (const name of ["sort", "down"]) {
      filter.querySelector(`input[name=${name}]`)?.remove();
      if (!query.has(name)) continue;
      const kept = Object.assign(document.createElement("input"), { type: "hidden", name, value: query.get(name) });
      filter.append(kept);
    }
    show(link.href);
  }
});
const shown = document.createElement("div");
shown.id = "tip";
shown.hidden = true;
document.body.append(shown);
function point(cell) {
  const tip = cell && cell.querySelector(".tip");
  shown.hidden = !tip;
  if (!tip) return;
  shown.replaceChildren(...[...tip.childNodes].map(node => node.cloneNode(true)));
  const at = cell.getBoundingClientRect(), room = document.documentElement;
  const left = Math.min(Math.max(8, at.left + at.width / 2 - shown.offsetWidth / 2), room.clientWidth - shown.offsetWidth - 8);
  const below = at.bottom + 8 + shown.offsetHeight < room.clientHeight;
  shown.style.left = `${Math.max(8, left)}px`;
  shown.style.top = `${below ? at.bottom + 8 : Math.max(8, at.top - 8 - shown.offsetHeight)}px`;
}
for (const kind of ["mouseover", "focusin"]) document.addEventListener(kind, event => point(event.target.closest(".gate")));
document.addEventListener("focusout", () => point(null));
document.addEventListener("scroll", () => point(null), true);
document.addEventListener("keydown", event => { if (event.key === "Escape") point(null); });
