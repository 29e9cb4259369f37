// Shows a picture, lets it be painted on, and answers with the painted part as a PNG, white on black.
new Promise((answer) => {
  const box = document.createElement("div");
  box.innerHTML =
    '<p style="font:14px sans-serif">Paint over what is to be repaired, then press Done.</p>' +
    '<canvas style="border:1px solid #888;touch-action:none;cursor:crosshair"></canvas><br>' +
    '<label style="font:14px sans-serif">Brush <input type="range" min="4" max="120" value="32"></label> ' +
    "<button>Start again</button> <button>Done</button>";
  document.body.append(box);
  const canvas = box.querySelector("canvas");
  const brush = box.querySelector("input");
  const [again, done] = box.querySelectorAll("button");
  const mask = document.createElement("canvas");
  const picture = new Image();
  let last = null;

  const clear = () => {
    const paper = mask.getContext("2d");
    paper.fillStyle = "black";
    paper.fillRect(0, 0, mask.width, mask.height);
    canvas.getContext("2d").drawImage(picture, 0, 0);
  };
  const stroke = (paper, colour, to) => {
    paper.strokeStyle = colour;
    paper.lineWidth = Number(brush.value);
    paper.lineCap = "round";
    paper.beginPath();
    paper.moveTo(last.offsetX, last.offsetY);
    paper.lineTo(to.offsetX, to.offsetY + 0.01);
    paper.stroke();
    last = to;
  };
  const paint = (event) => {
    const from = last;
    stroke(canvas.getContext("2d"), "rgba(255, 0, 80, 0.55)", event);
    last = from;
    stroke(mask.getContext("2d"), "white", event);
  };

  picture.onload = () => {
    canvas.width = mask.width = picture.width;
    canvas.height = mask.height = picture.height;
    clear();
  };
  picture.src = "data:image/jpeg;base64,PICTURE";
  canvas.onpointerdown = (event) => {
    last = event;
    canvas.setPointerCapture(event.pointerId);
    paint(event);
  };
  canvas.onpointermove = (event) => last && paint(event);
  canvas.onpointerup = () => (last = null);
  again.onclick = clear;
  done.onclick = () => {
    box.remove();
    answer(mask.toDataURL("image/png"));
  };
});
