/* Gallery: one stop of the Tab key a strip, arrow keys within and between strips, Enter enlarges; a choice of seed. */
addGallery();
for (const choice of document.querySelectorAll("[data-seeds]")) addSeeds(choice);

function addSeeds(choice) {
  const answers = choice.closest("section").querySelectorAll("[data-answers]");
  const show = () => answers.forEach((holder) => {
    const strips = [...holder.children];
    const chosen = strips.find((strip) => strip.dataset.seed === choice.value) ?? strips[0];
    strips.forEach((strip) => { strip.hidden = strip !== chosen; });
  });
  choice.addEventListener("change", show);
}

function addGallery() {
  const strips = [...document.querySelectorAll(".example .maps")].map((maps) => [...maps.querySelectorAll("img")]);
  if (!strips.length) return;
  const dialog = document.createElement("dialog");
  const large = document.createElement("img");
  const caption = document.createElement("p");
  let current = [0, 0];
  dialog.setAttribute("aria-label", "Enlarged picture; arrow keys change it, Escape closes it");
  dialog.tabIndex = -1;
  dialog.append(large, caption);

  const reachable = (strip) => strip[0].closest("details:not([open]), [hidden]") === null;
  const moved = ([strip, place], key) => {
    if (key === "ArrowRight" || key === "ArrowLeft") {
      const step = key === "ArrowRight" ? 1 : -1;
      return [strip, Math.min(Math.max(place + step, 0), strips[strip].length - 1)];
    }
    const step = key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
    let next = strip + step;
    while (step && strips[next] && !reachable(strips[next])) next += step;
    return step && strips[next] ? [next, Math.min(place, strips[next].length - 1)] : [strip, place];
  };
  const show = ([strip, place]) => {
    const image = strips[strip][place];
    current = [strip, place];
    [large.src, large.alt, large.className] = [image.src, image.alt, image.className];
    caption.textContent = image.alt;
  };
  const focus = ([strip, place]) => {
    strips[strip].forEach((image, other) => { image.tabIndex = other === place ? 0 : -1; });
    strips[strip][place].focus();
  };

  strips.forEach((images, strip) => images.forEach((image, place) => {
    image.tabIndex = place ? -1 : 0;
    image.setAttribute("role", "button");
    image.addEventListener("click", () => {
      document.body.append(dialog);
      show([strip, place]);
      dialog.showModal();
    });
    image.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") image.click();
      else if (event.key.startsWith("Arrow")) focus(moved([strip, place], event.key));
      else return;
      event.preventDefault();
    });
  }));
  dialog.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => focus(current));
  dialog.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    show(moved(current, event.key));
    event.preventDefault();
  });
}
