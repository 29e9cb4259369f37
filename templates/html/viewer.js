"use strict";
// Pictures at their full size, for pages that have `grids` of them and links of the class `cell`, whose
// `data-at` is the grid, the row and the column: zoom, pan, keys, the slider between two.

const byId = (id) => document.getElementById(id);
const [viewer, stage, layers, under, over, line, share] =
  ["viewer", "stage", "layers", "under", "over", "line", "share"].map(byId);
const MOST_ZOOM = 32;

// Which cell is shown: [grid, row, column]; and beside it another of its row, where there is one.

let at = [0, 0, 0];
let paired = false;
const cellAt = ([grid, row, column]) => grids[grid].rows[row].cells[column];

function otherColumn() {
  const cells = grids[at[0]].rows[at[1]].cells;
  const first = cells.findIndex((cell, column) => cell.link && column !== at[2]);
  return first;
}

function show(place) {
  at = place;
  const [grid, row, column] = at;
  const cell = cellAt(at);
  const other = otherColumn();
  const isPair = paired && other >= 0;
  const [left, right] = isPair ? [Math.min(other, column), Math.max(other, column)] : [column, column];
  const heads = grids[grid].heads;
  byId("name").textContent = [grids[grid].rows[row].label, isPair ? `${heads[left]} | ${heads[right]}` : heads[column]]
    .filter(Boolean).join(" · ");
  byId("parameters").textContent = cell.parameters;
  put(under, cellAt([grid, row, right]));
  put(over, cellAt([grid, row, left]));
  over.hidden = line.hidden = byId("slide").hidden = !isPair;
  for (const side of ["left", "right"]) {
    for (const label of viewer.querySelectorAll(`.${side}`)) label.textContent = heads[side === "left" ? left : right];
  }
  byId("against").hidden = other < 0;
  byId("against").textContent = "Slider";
  byId("against").setAttribute("aria-pressed", String(isPair));
  const changed = size[0] !== cell.width || size[1] !== cell.height;
  size = [cell.width, cell.height];
  if (changed) fit();
  else place_layers();
}

function put(image, cell) {
  if (image.getAttribute("src") !== cell.link) image.src = cell.link;
  image.alt = cell.alt;
}

function open(place) {
  paired = grids[place[0]].pairs;
  size = [0, 0];
  viewer.showModal();
  share.value = 50;
  show(place);
}

function step(rows, cells) {
  let [grid, row, column] = at;
  for (;;) {
    row += rows;
    column += cells;
    if (column < 0 || column >= grids[grid].heads.length) {
      row += Math.sign(cells);
      column = cells > 0 ? 0 : grids[grid].heads.length - 1;
    }
    if (row < 0 || row >= grids[grid].rows.length) return;
    if (cellAt([grid, row, column]).link) break;
  }
  show([grid, row, column]);
}

// Zoom and pan: `scale` is screen pixels for each of the picture's, `x` and `y` its left upper corner.

let size = [0, 0];
let scale = 1, x = 0, y = 0;
const least = () => Math.min(stage.clientWidth / size[0], stage.clientHeight / size[1]);

function fit() {
  zoomTo(least());
}

function zoomTo(wanted) {
  scale = wanted;
  x = (stage.clientWidth - size[0] * scale) / 2;
  y = (stage.clientHeight - size[1] * scale) / 2;
  place_layers();
}

function zoomAt(factor, left, top) {
  const before = scale;
  scale = Math.min(Math.max(scale * factor, Math.min(least(), 1)), Math.max(MOST_ZOOM, least()));
  x = left - (left - x) * (scale / before);
  y = top - (top - y) * (scale / before);
  place_layers();
}

function within(value, length, whole) {
  return length <= whole ? (whole - length) / 2 : Math.min(0, Math.max(whole - length, value));
}

function place_layers() {
  x = within(x, size[0] * scale, stage.clientWidth);
  y = within(y, size[1] * scale, stage.clientHeight);
  layers.style.width = `${size[0]}px`;
  layers.style.height = `${size[1]}px`;
  layers.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  for (const image of [under, over]) image.classList.toggle("pixelated", scale > 1.5);
  const split = Number(share.value);
  over.style.clipPath = `inset(0 ${100 - split}% 0 0)`;
  line.style.left = `${x + (size[0] * scale * split) / 100}px`;
}

const held = new Map();
let sliding = false;
const inside = (event) => {
  const box = stage.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
const spread = (points) => Math.hypot(points[0][0] - points[1][0], points[0][1] - points[1][1]);
const middle = (points) => [(points[0][0] + points[1][0]) / 2, (points[0][1] + points[1][1]) / 2];

stage.addEventListener("pointerdown", (event) => {
  sliding = !held.size && line.contains(event.target);
  held.set(event.pointerId, inside(event));
  stage.setPointerCapture(event.pointerId);
  stage.classList.add("held");
});
stage.addEventListener("pointermove", (event) => {
  if (!held.has(event.pointerId)) return;
  const before = [...held.values()];
  const [left, top] = held.get(event.pointerId);
  const now = inside(event);
  held.set(event.pointerId, now);
  if (sliding) {
    share.value = (100 * (now[0] - x)) / (size[0] * scale);
  } else if (held.size === 2) {
    const after = [...held.values()];
    const [from, to] = [middle(before), middle(after)];
    x += to[0] - from[0];
    y += to[1] - from[1];
    zoomAt(spread(after) / Math.max(spread(before), 1), ...to);
  } else {
    x += now[0] - left;
    y += now[1] - top;
  }
  place_layers();
});
for (const kind of ["pointerup", "pointercancel"]) {
  stage.addEventListener(kind, (event) => {
    held.delete(event.pointerId);
    if (!held.size) {
      sliding = false;
      stage.classList.remove("held");
    }
  });
}
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomAt(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), ...inside(event));
}, { passive: false });
stage.addEventListener("dblclick", (event) => {
  if (scale > least() * 1.01) fit();
  else zoomAt(Math.max(2, 1 / scale), ...inside(event));
});
share.addEventListener("input", place_layers);
addEventListener("resize", () => viewer.open && fit());

// Buttons and keys.

document.addEventListener("click", (event) => {
  const cell = event.target.closest(".cell");
  if (!cell || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(cell.dataset.at.split(" ").map(Number));
});
byId("against").addEventListener("click", () => {
  paired = !paired;
  show(at);
});
byId("whole").addEventListener("click", fit);
byId("pixels").addEventListener("click", () => zoomTo(1));
byId("previous").addEventListener("click", () => step(0, -1));
byId("next").addEventListener("click", () => step(0, 1));
byId("close").addEventListener("click", () => viewer.close());
viewer.addEventListener("close", () => document.querySelector(`[data-at="${at.join(" ")}"]`)?.focus());

const KEYS = {
  ArrowLeft: () => step(0, -1), ArrowRight: () => step(0, 1), ArrowUp: () => step(-1, 0), ArrowDown: () => step(1, 0),
  "+": () => zoomAt(1.4, stage.clientWidth / 2, stage.clientHeight / 2),
  "-": () => zoomAt(1 / 1.4, stage.clientWidth / 2, stage.clientHeight / 2),
  0: fit, 1: () => zoomTo(1), s: () => byId("against").click(),
};
viewer.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  if (event.target === share && event.key.startsWith("Arrow")) return;
  event.preventDefault();
  KEYS[event.key]();
});
// In the grids, arrow keys go from cell to cell.
document.querySelector("main").addEventListener("keydown", (event) => {
  const here = event.target.dataset.at;
  const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!here || !move) return;
  const [grid, row, column] = here.split(" ").map(Number);
  const next = document.querySelector(`[data-at="${grid} ${row + move[0]} ${column + move[1]}"]`);
  if (!next) return;
  event.preventDefault();
  next.focus();
});
