// Click a heading to sort by it, again to turn the order.
for (const table of document.querySelectorAll("table.sort")) {
  const heads = [...table.querySelectorAll("th")];
  heads.forEach((head, i) => head.onclick = () => {
    const up = head.dataset.dir === "down";
    heads.forEach(other => delete other.dataset.dir);
    head.dataset.dir = up ? "up" : "down";
    const key = row => row.cells[i].dataset.v ?? row.cells[i].textContent;
    const compare = (a, b) => isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
    const rows = [...table.tBodies[0].rows].sort((a, b) => compare(key(a), key(b)) * (up ? 1 : -1));
    table.tBodies[0].append(...rows);
  });
}
