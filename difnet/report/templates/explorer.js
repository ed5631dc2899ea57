/* Similarity explorer: a click or an arrow key chooses a node; every panel shows where the walk from it goes. */
const WALK = [255, 176, 0];
const DARKENED = 0.45;

for (const board of document.querySelectorAll("[data-explorer]")) new Explorer(board);

function Explorer(board) {
  const data = JSON.parse(board.querySelector("template").content.textContent);
  const [height, width] = data.grid;
  const photo = board.querySelector(".picker img");
  const picker = board.querySelector(".picker");
  const panels = [...board.querySelectorAll(".panel:not(.chooser)")];
  const marker = document.createElement("span");
  let node = data.start;
  let rows = null;

  picker.append(marker);
  marker.className = "marker";
  picker.tabIndex = 0;
  picker.setAttribute("role", "application");
  picker.setAttribute("aria-label", `${photo.alt}; arrow keys choose the node that the walk starts from`);
  board.querySelector("[data-place]").setAttribute("aria-live", "polite");
  placeMarker();
  picker.addEventListener("click", (event) => {
    const box = photo.getBoundingClientRect();
    const along = (from, length, count) => Math.min(Math.max(Math.floor((from / length) * count), 0), count - 1);
    const row = along(event.clientY - box.top, box.height, height);
    choose(row * width + along(event.clientX - box.left, box.width, width));
  });
  picker.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const row = Math.min(Math.max(Math.floor(node / width) + step[0], 0), height - 1);
    const column = Math.min(Math.max((node % width) + step[1], 0), width - 1);
    choose(row * width + column);
  });

  async function choose(chosen) {
    node = chosen;
    placeMarker();
    const place = `Row ${Math.floor(node / width) + 1} of ${height}, column ${(node % width) + 1} of ${width}`;
    board.querySelector("[data-place]").textContent = `${place} (${data.classes[node] || "void"})`;
    rows ??= await unpacked(data.rows);
    await photo.decode();
    panels.forEach((panel, level) => draw(panel, level));
    board.dataset.node = node;
  }

  function placeMarker() {
    marker.style.left = `${(100 * (node % width)) / width}%`;
    marker.style.top = `${(100 * Math.floor(node / width)) / height}%`;
    marker.style.width = `${100 / width}%`;
    marker.style.height = `${100 / height}%`;
  }

  function draw(panel, level) {
    const start = (level * width * height + node) * width * height;
    const heat = new ImageData(width, height);
    rows.subarray(start, start + width * height).forEach((weight, place) => {
      heat.data.set([...WALK, weight], 4 * place);
    });
    const small = Object.assign(document.createElement("canvas"), { width, height });
    small.getContext("2d").putImageData(heat, 0, 0);
    const canvas = Object.assign(document.createElement("canvas"), {
      width: photo.naturalWidth, height: photo.naturalHeight,
    });
    const context = canvas.getContext("2d");
    context.drawImage(photo, 0, 0);
    context.fillStyle = `rgb(0 0 0 / ${1 - DARKENED})`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    const [across, down] = [canvas.width / width, canvas.height / height];
    context.strokeStyle = "#fff";
    context.strokeRect((node % width) * across + 0.5, Math.floor(node / width) * down + 0.5, across - 1, down - 1);
    const words = sentence(level);
    panel.querySelector(".words").textContent = words;
    const image = panel.querySelector("img");
    image.src = canvas.toDataURL();
    image.alt = `${data.names[level]}: ${words}`;
  }

  function sentence(level) {
    const [mass, same, peak] = [data.mass, data.same, data.peak].map((table) => table[level][node]);
    return [
      mass === null ? "" : `seed mass ${mass.toFixed(2)}`,
      same === null ? "" : `${(100 * same).toFixed(0)}% ends on ${data.classes[node]}`,
      `likeliest node ${(100 * peak).toFixed(1)}%`,
    ].filter(Boolean).join(", ");
  }
}

async function unpacked(text) {
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
