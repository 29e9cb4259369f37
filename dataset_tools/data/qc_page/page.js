"use strict";
// One list of pictures, filtered and sorted here. Only what is in sight has elements, so its length is free.
// Everything from the data enters the page as text or as an encoded link, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const { pictures, columns, groups } = data;
const STATUSES = ["REJECT", "WARN", "OK"];
const BINS = 32;
const MOST_IN_A_GROUP = 24;
const byId = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = tag === "svg" || SHAPES.has(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
const SHAPES = new Set(["path", "line", "rect"]);

const plain = (value) => String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const withUnit = (column, value) => plain(value) + (column.unit && ` ${column.unit}`);

// What is chosen. It is kept in the page's address, so that a view can be kept and handed on.

const state = {};

function clear() {
  Object.assign(state, {
    statuses: new Set(), codes: new Set(), ranges: new Map(), search: "", sort: "status", reversed: false, duplicates: false,
  });
}

function remember() {
  const kept = new URLSearchParams();
  if (state.statuses.size) kept.set("status", [...state.statuses].join(" "));
  if (state.codes.size) kept.set("reason", [...state.codes].join(" "));
  for (const [key, [low, high]] of state.ranges) kept.set(`in.${key}`, `${low} ${high}`);
  if (state.search) kept.set("search", state.search);
  if (state.sort !== "status") kept.set("sort", state.sort);
  if (state.reversed) kept.set("reversed", "1");
  if (state.duplicates) kept.set("view", "duplicates");
  history.replaceState(null, "", `#${kept}`);
}

function recall() {
  clear();
  const kept = new URLSearchParams(location.hash.slice(1));
  const words = (key) => (kept.get(key) ?? "").split(" ");
  state.statuses = new Set(words("status").filter((status) => STATUSES.includes(status)));
  state.codes = new Set(words("reason").filter((code) => data.codes.includes(code)));
  for (const { key } of columns) {
    const ends = words(`in.${key}`).map(Number);
    if (kept.has(`in.${key}`) && ends.length === 2 && ends.every((end) => !Number.isNaN(end))) state.ranges.set(key, ends);
  }
  state.search = kept.get("search") ?? "";
  if (["name", ...columns.map((column) => column.key)].includes(kept.get("sort"))) state.sort = kept.get("sort");
  state.reversed = kept.has("reversed");
  state.duplicates = kept.get("view") === "duplicates" && groups.length > 0;
}

// Filters and order.

const columnAt = new Map(columns.map((column, index) => [column.key, index]));

function passes(picture, words) {
  if (state.statuses.size && !state.statuses.has(picture.status)) return false;
  if (state.codes.size && !picture.reasons.some(([code]) => state.codes.has(code))) return false;
  for (const [key, [low, high]] of state.ranges) {
    const value = picture.values[columnAt.get(key)];
    if (value === null || value < low || value > high) return false;
  }
  return words.every((word) => picture.lowered.includes(word));
}

function filtered() {
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  return pictures.filter((picture) => passes(picture, words));
}

function sorted(found) {
  const column = columnAt.get(state.sort);
  const order = state.reversed ? -1 : 1;
  if (state.sort === "name") return found.sort((a, b) => order * (a.rank - b.rank));
  if (column === undefined) {
    return found.sort((a, b) => order * (STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status)) || a.rank - b.rank);
  }
  const worst = columns[column].least ? order : -order;
  return found.sort((a, b) => {
    const [first, second] = [a.values[column], b.values[column]];
    if (first === null || second === null) return (first === null) - (second === null) || a.rank - b.rank;
    return worst * (first - second) || a.rank - b.rank;
  });
}

function prepare() {
  pictures.forEach((picture, index) => {
    picture.index = index;
    picture.lowered = picture.name.toLowerCase();
  });
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  [...pictures].sort((a, b) => compare(a.name, b.name)).forEach((picture, rank) => { picture.rank = rank; });
}

// Pictures. The small copy is shown; where there is none, the file itself.

const linkOf = (picture) => data.folder + picture.link;

function image(picture) {
  const small = picture.thumbnail && data.thumbnails + picture.thumbnail;
  const shown = element("img", { src: small ?? linkOf(picture), alt: "", loading: "lazy", decoding: "async" });
  shown.onerror = () => {
    if (small && shown.getAttribute("src") === small) shown.src = linkOf(picture);
    else shown.replaceWith("no picture");
  };
  return shown;
}

function card(picture, open, note = noteOf(picture)) {
  const codes = [...new Set(picture.reasons.map(([code]) => code))].join(", ");
  return element(
    "button",
    { type: "button", class: `card ${picture.status}`, title: picture.name, onclick: open,
      "aria-label": [picture.name, picture.status, ...picture.reasons.map(([, message]) => message)].join(", ") },
    element("span", { class: "frame" }, image(picture)),
    element("span", { class: "name" }, picture.name),
    element("span", { class: `why ${picture.status}` }, element("span", { class: "badge" }, picture.status), ` ${codes}`),
    element("span", { class: "value" }, note),
  );
}

// What the list is sorted by, else the size.
function noteOf(picture) {
  const column = columns[columnAt.get(state.sort)];
  if (!column) return picture.size ? picture.size.join(" × ") : "";
  const value = picture.values[columnAt.get(state.sort)];
  return `${column.title}: ${value === null ? "none" : withUnit(column, value)}`;
}

function likeness(picture) {
  const [, , , value] = picture.reasons.find(([code]) => code === "duplicate") ?? [];
  return value === undefined || value === null ? "" : `${plain(value)} alike`;
}

function group(members) {
  const shown = members.slice(0, MOST_IN_A_GROUP);
  const more = members.length - shown.length;
  const note = (picture, index) => [index === 0 ? "best copy" : likeness(picture), picture.size?.join(" × ")].filter(Boolean).join(", ");
  const row = element("div", { class: "group", role: "group", "aria-label": `${members.length} copies, the best one first` });
  row.append(...shown.map((picture, index) => card(picture, () => view(members, index), note(picture, index))));
  if (more) row.append(element("p", { class: "soft" }, `and ${more.toLocaleString("en")} more`));
  return row;
}

// The list: `items` on a grid of equal cells; those in sight are made, those out of sight removed.

const CELL = { card: { height: 216, width: 168 }, group: { height: 256, width: Infinity } };
const list = { items: [], draw: null, cell: CELL.card, across: 1, nodes: new Map() };

function fill(items, draw, cell) {
  Object.assign(list, { items, draw, cell });
  list.nodes.clear();
  byId("list").replaceChildren();
  place();
}

function place() {
  const host = byId("list");
  const width = host.clientWidth;
  list.across = Math.max(Math.floor(width / list.cell.width), list.cell === CELL.card ? 2 : 1);
  host.style.height = `${Math.ceil(list.items.length / list.across) * list.cell.height}px`;
  for (const [index, node] of list.nodes) put(node, index);
  show();
}

function put(node, index) {
  const share = 100 / list.across;
  node.style.top = `${Math.floor(index / list.across) * list.cell.height}px`;
  node.style.left = `${(index % list.across) * share}%`;
  node.style.width = `calc(${share}% - 8px)`;
}

function show() {
  const host = byId("list");
  const above = -host.getBoundingClientRect().top;
  const first = Math.max(Math.floor(above / list.cell.height) - 1, 0) * list.across;
  const last = Math.min((Math.ceil((above + innerHeight) / list.cell.height) + 1) * list.across, list.items.length);
  for (const [index, node] of list.nodes) {
    if (index < first || index >= last) {
      node.remove();
      list.nodes.delete(index);
    }
  }
  let following = host.firstChild;
  for (let index = first; index < last; index += 1) {
    const node = list.nodes.get(index) ?? list.draw(list.items[index], index);
    if (node === following) following = following.nextSibling;
    else host.insertBefore(node, following);
    if (!list.nodes.has(index)) put(node, index);
    list.nodes.set(index, node);
  }
}

function moveInList(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -list.across, ArrowDown: list.across }[event.key];
  const from = [...list.nodes].find(([, node]) => node === event.target);
  if (!step || !from || !list.items[from[0] + step]) return;
  event.preventDefault();
  const to = from[0] + step;
  const top = byId("list").getBoundingClientRect().top + Math.floor(to / list.across) * list.cell.height;
  const lowest = innerHeight - list.cell.height;
  const covered = getComputedStyle(byId("controls")).position === "sticky" ? byId("controls").offsetHeight : 0;
  if (top < covered) scrollBy(0, top - covered);
  else if (top > lowest) scrollBy(0, top - lowest);
  show();
  list.nodes.get(to).focus({ preventScroll: true });
}

// The histograms: all pictures pale, those shown dark, the limits as lines.

function histogram(column, index) {
  const found = pictures.map((picture) => picture.values[index]).filter((value) => value !== null).sort((a, b) => a - b);
  const limits = column.limits.map((limit) => limit.at);
  const at = (share) => found[Math.round(share * (found.length - 1))];
  const margin = 0.03 * (Math.max(at(0.995), ...limits) - Math.min(at(0.005), ...limits));
  const low = Math.min(at(0.005), ...limits.map((limit) => limit - margin));
  const high = Math.max(at(0.995), ...limits.map((limit) => limit + margin));
  const width = (high - low || 1) / BINS;
  const chart = { column, index, low, width, cursor: 0, lowest: found[0], highest: found[found.length - 1] };
  chart.binOf = (value) => Math.min(Math.max(Math.floor((value - low) / width), 0), BINS - 1);
  chart.all = binned(chart, pictures);
  chart.most = Math.max(...chart.all);
  return Object.assign(chart, drawn(chart));
}

function binned(chart, some) {
  const bins = new Array(BINS).fill(0);
  for (const picture of some) {
    const value = picture.values[chart.index];
    if (value !== null) bins[chart.binOf(value)] += 1;
  }
  return bins;
}

// Square roots, so that a bar of one picture among 10,000 is seen.
const bars = (chart, bins) => bins.map((count, bin) => {
  const height = count && Math.max(60 * Math.sqrt(count / chart.most), 2);
  return count ? `M${bin * 10 + 0.5} 64v${-height}h9v${height}z` : "";
}).join("");

function drawn(chart) {
  const { column } = chart;
  const x = (value) => ((value - chart.low) / chart.width) * 10;
  const seen = element("path", { class: "seen" });
  const chosen = element("rect", { class: "chosen", y: 0, height: 64, width: 0 });
  const cursor = element("rect", { class: "cursor", y: 0, height: 64, width: 0 });
  const lines = column.limits.map(({ level, at }) => element("line", { class: level, x1: x(at), x2: x(at), y1: 0, y2: 64 }));
  const svg = element(
    "svg",
    { viewBox: `0 0 ${BINS * 10} 64`, preserveAspectRatio: "none", tabindex: 0, role: "slider",
      "aria-label": column.title, "aria-valuemin": 0, "aria-valuemax": BINS - 1, "aria-valuenow": 0 },
    chosen, element("path", { class: "all", d: bars(chart, chart.all) }), seen, ...lines, cursor,
  );
  const note = element("p", { class: "note" });
  const box = element(
    "div", { class: "histogram" }, element("h3", {}, column.title + (column.unit && `, ${column.unit}`)), svg,
    element("div", { class: "axis" }, element("span", {}, plain(chart.low)), element("span", {}, plain(chart.low + BINS * chart.width))),
    note,
  );
  const parts = { box, svg, seen, chosen, note, cursorBox: cursor };
  listen(chart, parts);
  return parts;
}

function listen(chart, { svg }) {
  const binAt = (event) => {
    const { left, width } = svg.getBoundingClientRect();
    return Math.min(Math.max(Math.floor(((event.clientX - left) / width) * BINS), 0), BINS - 1);
  };
  svg.addEventListener("mousemove", (event) => point(chart, binAt(event)));
  svg.addEventListener("mouseleave", () => point(chart, null));
  svg.addEventListener("blur", () => point(chart, null));
  svg.addEventListener("focus", () => point(chart, chart.cursor));
  svg.addEventListener("click", (event) => choose(chart, binAt(event), event.shiftKey));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[event.key];
    if (!step && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (step) point(chart, Math.min(Math.max(chart.cursor + step, 0), BINS - 1));
    else choose(chart, chart.cursor, event.shiftKey);
  });
}

// The ends of a bin; the first and the last one hold what lies beyond, too.
const lowEnd = (chart, bin) => bin === 0 ? Math.min(chart.low, chart.lowest) : chart.low + bin * chart.width;
const highEnd = (chart, bin) => bin === BINS - 1
  ? Math.max(chart.low + BINS * chart.width, chart.highest) : chart.low + (bin + 1) * chart.width;

function point(chart, bin) {
  if (bin === null) {
    cover(chart.cursorBox, 0, -1);
    limitsNote(chart);
    return;
  }
  chart.cursor = bin;
  const text = `${plain(lowEnd(chart, bin))} to ${plain(highEnd(chart, bin))}: ${counted(chart.all[bin], "picture")}`;
  chart.svg.setAttribute("aria-valuenow", bin);
  chart.svg.setAttribute("aria-valuetext", text);
  chart.note.replaceChildren(text);
  cover(chart.cursorBox, bin, bin);
}

function cover(box, first, last) {
  box.setAttribute("x", first * 10);
  box.setAttribute("width", (last - first + 1) * 10);
}

function limitsNote({ column, note }) {
  note.replaceChildren(...column.limits.flatMap(({ level, label, at }) => [
    element("span", { class: level }, [label, level, plain(at)].filter(Boolean).join(" ")), "  ",
  ]));
  note.title = note.textContent;
}

// A second click on what is chosen takes the choice back.
function choose(chart, bin, extend) {
  const { key } = chart.column;
  const ends = [lowEnd(chart, bin), highEnd(chart, bin)];
  const before = state.ranges.get(key);
  if (before && extend) state.ranges.set(key, [Math.min(before[0], ends[0]), Math.max(before[1], ends[1])]);
  else if (before && before[0] === ends[0] && before[1] === ends[1]) state.ranges.delete(key);
  else state.ranges.set(key, ends);
  update();
}

function redraw(chart, shown) {
  chart.seen.setAttribute("d", bars(chart, binned(chart, shown)));
  const range = state.ranges.get(chart.column.key);
  // Half a bin inwards: a value on an edge belongs to both of its bins.
  if (range) cover(chart.chosen, chart.binOf(range[0] + chart.width / 2), chart.binOf(range[1] - chart.width / 2));
  else cover(chart.chosen, 0, -1);
}

// The controls.

function toggle(text, set, value, count) {
  const button = element("button", { type: "button" }, `${text} ${count.toLocaleString("en")}`);
  button.addEventListener("click", () => {
    if (!set().delete(value)) set().add(value);
    update();
  });
  button.pressed = () => set().has(value);
  return button;
}

function makeControls() {
  const having = (test) => pictures.filter(test).length;
  byId("statuses").append(...STATUSES.map((status) =>
    toggle(status, () => state.statuses, status, having((picture) => picture.status === status))));
  byId("codes").append(...data.codes.map((code) =>
    toggle(code, () => state.codes, code, having((picture) => picture.reasons.some(([own]) => own === code)))));
  byId("sort").append(
    element("option", { value: "status" }, "status"), element("option", { value: "name" }, "name"),
    ...charts.map(({ column }) => element("option", { value: column.key }, `${column.title}, worst first`)),
  );
  byId("view").hidden = !groups.length;
  const changes = {
    search: ["input", (event) => { state.search = event.target.value; }],
    sort: ["change", (event) => { state.sort = event.target.value; }],
    turn: ["click", () => { state.reversed = !state.reversed; }],
    view: ["click", () => { state.duplicates = !state.duplicates; }],
    reset: ["click", clear],
  };
  for (const [id, [kind, change]] of Object.entries(changes)) {
    byId(id).addEventListener(kind, (event) => { change(event); update(); });
  }
}

function showControls() {
  for (const button of document.querySelectorAll("#statuses button, #codes button")) {
    button.setAttribute("aria-pressed", button.pressed());
  }
  byId("turn").setAttribute("aria-pressed", state.reversed);
  byId("view").setAttribute("aria-pressed", state.duplicates);
  byId("sort").value = state.sort;
  if (byId("search").value !== state.search) byId("search").value = state.search;
  byId("ranges").replaceChildren(...[...state.ranges].map(([key, [low, high]]) => {
    const column = columns[columnAt.get(key)];
    const remove = () => { state.ranges.delete(key); update(); };
    return element("button", { type: "button", "aria-label": `Remove the filter on ${column.title}`, onclick: remove },
      `${column.title} ${plain(low)} to ${withUnit(column, high)} ✕`);
  }));
}

function update() {
  const found = sorted(filtered());
  if (state.duplicates) {
    const passed = new Set(found.map((picture) => picture.index));
    const some = groups.filter((members) => members.some((index) => passed.has(index)))
      .map((members) => members.map((index) => pictures[index]));
    fill(some, group, CELL.group);
    byId("shown").textContent = `${counted(some.length, "group")} of duplicates, the best copy first`;
  } else {
    fill(found, (picture, index) => card(picture, () => view(found, index)), CELL.card);
    byId("shown").textContent = `${found.length.toLocaleString("en")} of ${counted(pictures.length, "picture")} shown`;
  }
  for (const chart of charts) redraw(chart, found);
  showControls();
  remember();
}

// One picture, large.

let viewed = { items: [], index: 0 };

function view(items, index) {
  viewed = { items, index };
  const picture = items[index];
  byId("viewer-name").textContent = picture.name;
  byId("viewer-link").href = linkOf(picture);
  const shown = byId("viewer-picture");
  const small = picture.thumbnail && data.thumbnails + picture.thumbnail;
  shown.onerror = () => {
    if (small && shown.getAttribute("src") !== small) shown.src = small;
    else shown.hidden = true;
  };
  shown.hidden = false;
  shown.src = linkOf(picture);
  byId("viewer-facts").replaceChildren(...facts(picture));
  byId("previous").disabled = index === 0;
  byId("next").disabled = index === items.length - 1;
  if (!byId("viewer").open) byId("viewer").showModal();
}

function facts(picture) {
  const said = element("p", { class: picture.status }, element("span", { class: "badge" }, picture.status),
    picture.size ? ` ${picture.size.join(" × ")} px · ` : " ", element("a", { href: linkOf(picture) }, "open the file"));
  const number = (value) => element("td", { class: "number" }, value === null ? "" : plain(value));
  const reasons = picture.reasons.map(([code, message, , value, threshold]) =>
    element("tr", {}, element("td", {}, code), element("td", {}, message), number(value), number(threshold)));
  const measured = columns.flatMap((column, index) => picture.values[index] === null ? [] : [
    element("tr", {}, element("td", {}, column.title), number(picture.values[index]), element("td", {}, column.unit)),
  ]);
  return [
    said,
    ...(reasons.length ? [table(["reason", "", "value", "limit"], reasons)] : []),
    ...(picture.original === null ? [] : [element("p", {}, `A copy of ${picture.original}`)]),
    ...(measured.length ? [table(["measure", "value", ""], measured)] : []),
  ];
}

function table(titles, rows) {
  return element("table", {}, element("tr", {}, ...titles.map((title) => element("th", {}, title))), ...rows);
}

function step(by) {
  if (viewed.items[viewed.index + by]) view(viewed.items, viewed.index + by);
}

function makeViewer() {
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("close").addEventListener("click", () => byId("viewer").close());
  byId("viewer").addEventListener("keydown", (event) => step({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0));
  byId("viewer").addEventListener("click", (event) => { if (event.target === byId("viewer")) byId("viewer").close(); });
}

function makeShares() {
  const counts = [...STATUSES].reverse().map((status) => [status, pictures.filter((picture) => picture.status === status).length]);
  byId("shares").append(...counts.map(([status, count]) => {
    const share = element("i", { class: status });
    share.style.flex = `${count} 0 0`;
    return share;
  }));
  byId("counts").textContent = [
    counted(pictures.length, "picture"), ...counts.map(([status, count]) => `${count.toLocaleString("en")} ${status}`),
  ].join(" · ");
}

prepare();
const charts = columns.map((column, index) => [column, index])
  .filter(([, index]) => pictures.some((picture) => picture.values[index] !== null))
  .map(([column, index]) => histogram(column, index));
byId("histograms").append(...charts.map((chart) => chart.box));
charts.forEach(limitsNote);
if (matchMedia("(max-width: 640px)").matches) byId("measures").open = false;
makeShares();
makeControls();
makeViewer();
recall();
update();
byId("list").addEventListener("keydown", moveInList);
byId("measures").addEventListener("toggle", show);
addEventListener("scroll", () => requestAnimationFrame(show), { passive: true });
addEventListener("resize", place);
addEventListener("hashchange", () => { recall(); update(); });
