// The table, the points and the curves are plain HTML. This sorts and searches the table, singles out a trial
// everywhere at once, and lays the pictures of the ticked trials side by side.

const { pictures, titles } = JSON.parse(document.getElementById("data").textContent);
const OPEN_PICTURES = 4;
const grids = [];
const body = byId("table").tBodies[0];
const lines = [...body.rows];
const openRows = lines.filter((row) => !row.hidden).length;

// Sorting: by the cells' keys, as numbers where all are; what has none comes last either way.

let all = lines.length === openRows;
const keyAt = (row, column) => row.cells[column + 1].dataset.key;

function sortBy(button) {
  const column = Number(button.dataset.column);
  const down = button.getAttribute("aria-sort") === "ascending";
  for (const other of document.querySelectorAll("#table th button")) other.removeAttribute("aria-sort");
  button.setAttribute("aria-sort", down ? "descending" : "ascending");
  const keys = new Map(lines.map((row) => [row, keyAt(row, column)]));
  const numbers = [...keys.values()].every((key) => key === "" || !Number.isNaN(Number(key)));
  const compare = numbers ? (a, b) => a - b : new Intl.Collator("en", { numeric: true }).compare;
  lines.sort((one, other) => {
    const [a, b] = [keys.get(one), keys.get(other)];
    if (a === "" || b === "") return (a === "") - (b === "");
    return (down ? -1 : 1) * compare(a, b);
  });
  body.append(...lines);
  showRows();
}

function showRows() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0, found = 0;
  for (const row of lines) {
    const passes = words.every((word) => row.dataset.text.includes(word));
    found += passes;
    row.hidden = !passes || (!all && !words.length && shown >= openRows);
    shown += !row.hidden;
  }
  byId("found").textContent = words.length ? `${found} of ${lines.length} trials` : "";
  if (byId("more")) byId("more").hidden = all || words.length > 0;
}

for (const row of lines) row.dataset.text = `${titles[row.dataset.trial]} ${row.textContent}`.toLowerCase();
for (const button of document.querySelectorAll("#table th button")) button.addEventListener("click", () => sortBy(button));
byId("search").addEventListener("input", showRows);
byId("more")?.addEventListener("click", () => { all = true; showRows(); });

// One trial, singled out in the table, the points and the curves.

const marks = new Map();
for (const mark of document.querySelectorAll("[data-trial]")) {
  if (!marks.has(mark.dataset.trial)) marks.set(mark.dataset.trial, []);
  marks.get(mark.dataset.trial).push(mark);
}
const best = lines.find((row) => row.classList.contains("best"))?.dataset.trial;
for (const mark of marks.get(best) ?? []) mark.classList.add("best");
let pointed = null;

function point(trial) {
  if (trial === pointed) return;
  for (const mark of marks.get(pointed) ?? []) mark.classList.remove("on");
  for (const mark of marks.get(trial) ?? []) {
    mark.classList.add("on");
    if (mark.ownerSVGElement) mark.parentNode.append(mark); // over the others
  }
  pointed = trial;
  for (const said of document.querySelectorAll(".said")) said.textContent = trial ? titles[trial] : "";
}

body.addEventListener("mouseover", (event) => point(event.target.closest("tr")?.dataset.trial ?? null));
body.addEventListener("mouseleave", () => point(null));
for (const dots of document.querySelectorAll(".dots")) {
  dots.addEventListener("pointerover", (event) => point(event.target.dataset.trial ?? null));
  dots.addEventListener("pointerleave", () => point(null));
  dots.addEventListener("click", (event) => event.target.dataset.trial && tick(event.target.dataset.trial));
}

// The curve that is nearest to the pointer, of those within `REACH`.

const REACH = 12;
const losses = document.querySelector(".losses");
const curves = [...document.querySelectorAll(".loss")].map((curve) => ({
  trial: curve.dataset.trial,
  points: curve.getAttribute("points").split(" ").map((pair) => pair.split(",").map(Number)),
}));

function nearest(event) {
  const box = losses.getBoundingClientRect();
  const { width, height } = losses.viewBox.baseVal;
  const scale = Math.max(width / box.width, height / box.height);
  const left = (event.clientX - box.left - (box.width - width / scale) / 2) * scale;
  const top = (event.clientY - box.top - (box.height - height / scale) / 2) * scale;
  let found = null, distance = REACH;
  for (const { trial, points } of curves) {
    const after = points.findIndex(([x]) => x >= left);
    if (after < 0) continue;
    const [x, y] = points[after];
    const [x0, y0] = points[Math.max(after - 1, 0)];
    const away = Math.abs(top - (x === x0 ? y : y0 + ((left - x0) / (x - x0)) * (y - y0)));
    if (away < distance) [found, distance] = [trial, away];
  }
  return found;
}

losses?.addEventListener("pointermove", (event) => point(nearest(event)));
losses?.addEventListener("pointerdown", (event) => point(nearest(event)));
losses?.addEventListener("pointerleave", () => point(null));
losses?.addEventListener("click", (event) => nearest(event) && tick(nearest(event)));

// Ticked trials: their pictures, the best first.

const boxes = new Map([...body.querySelectorAll("input")].map((box) => [box.value, box]));

function tick(trial) {
  const box = boxes.get(trial);
  if (!box) return;
  box.checked = !box.checked;
  showTicked();
}

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function cellOf(column, row, place) {
  const picture = column.pictures[row];
  if (!picture) return { link: "", why: "no picture" };
  const [width, height] = picture.size;
  const alt = `${pictures.images[row]}, ${column.trial ? titles[column.trial] : column.head}`;
  return { link: picture.link, small: picture.small ?? picture.link, alt, width, height, pixelated: picture.pixelated,
    parameters: alt, place };
}

function drawn(cell) {
  if (!cell.link) return element("td", {}, element("span", { class: "none" }, cell.why));
  const { width, height, alt } = cell;
  const image = element("img", { src: cell.small, alt, width, height, loading: "lazy", decoding: "async" });
  if (cell.pixelated) image.className = "pixelated";
  return element("td", {}, element("a", { class: "cell", href: cell.link, "data-at": cell.place }, image));
}

function showTicked() {
  for (const [trial, box] of boxes) {
    for (const mark of marks.get(trial)) mark.classList.toggle("ticked", box.checked);
  }
  if (!byId("grid")) return;
  const columns = pictures.columns.filter(({ trial }) => !trial || boxes.get(trial)?.checked);
  const heads = columns.map(({ trial, head }) => (trial ? titles[trial] : head));
  const rows = pictures.images.map((label, row) => ({
    label, cells: columns.map((column, place) => cellOf(column, row, `0 ${row} ${place}`)),
  }));
  grids[0] = { heads, rows, pairs: false };
  const top = element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)));
  const below = rows.flatMap(({ label, cells }) => [
    element("tr", {}, element("th", { scope: "rowgroup", colspan: heads.length }, element("span", {}, label))),
    element("tr", {}, ...cells.map(drawn)),
  ]);
  byId("grid").replaceChildren(element("thead", {}, top), element("tbody", {}, ...below));
}

body.addEventListener("change", showTicked);
const first = pictures.columns.filter(({ trial }) => trial).slice(0, OPEN_PICTURES);
for (const { trial } of first) boxes.get(trial).checked = true;
showTicked();
const resize = () => document.documentElement.style.setProperty("--cell", `${byId("size").value}px`);
byId("size")?.addEventListener("input", resize);

// What can be copied.

async function copy(button) {
  const text = button.previousElementSibling;
  getSelection().selectAllChildren(text);
  try {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Selected";
  }
}
for (const button of document.querySelectorAll(".copy button")) button.addEventListener("click", () => copy(button));
