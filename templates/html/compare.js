// The grids are plain HTML. This adds the size of the pictures; the viewer has a file of its own.

const { grids } = JSON.parse(document.getElementById("data").textContent);

const columns = Math.max(...grids.map((grid) => grid.heads.length));
const room = document.documentElement.clientWidth - (document.documentElement.clientWidth < 641 ? 56 : 100);
byId("size").value = Math.max(columns > 3 ? 120 : 60, Math.min(320, Math.floor(room / columns) - 6));
const resize = () => document.documentElement.style.setProperty("--cell", `${byId("size").value}px`);
byId("size").addEventListener("input", resize);
resize();
