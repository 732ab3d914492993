// What a deck does while it is shown: it goes on past solutions, plays movies, counts minutes down, and shows all of itself.
// Keys beside those of reveal.js: K plays and pauses a movie, T starts and stops the time of an exercise, and ↓ opens a
// solution, which → and the space bar pass by.

const paper = /print-pdf/.test(location.search);
const PITCH = { x: 1280 + 70, y: 720 + 70 }; // from slide to slide in the overview; reveal.js leaves 70 between two
const here = selector => Reveal.getCurrentSlide().querySelector(selector);

/** Go to the next slide in order, or the one before, that is not a solution; fragments come first. */
function go(by) {
  if (by > 0 ? Reveal.nextFragment() : Reveal.prevFragment()) return;
  const all = Reveal.getSlides();
  let i = all.indexOf(Reveal.getCurrentSlide()) + by;
  while (all[i]?.matches(".solution")) i += by;
  if (!all[i]) return;
  const { h, v } = Reveal.getIndices(all[i]);
  const last = all[i].querySelectorAll(".fragment").length - 1;
  Reveal.slide(h, v, by > 0 ? -1 : last); // coming back, all is there already
}

/** Play a movie, or stop it; a drawing that builds up goes on by clicks instead. */
function play(movie, on) {
  if (movie && !("buildUp" in movie.dataset) && Boolean(movie.timer) !== on) movie.querySelector("button").click();
}

/** Show a frame of a movie or a stage of a drawing. */
function frame(movie, number) {
  const slider = movie.querySelector("input");
  slider.value = number;
  slider.oninput();
}

/** As many stages of a drawing as have been clicked for. */
function build(slide) {
  const movie = slide.querySelector("[data-build-up]");
  if (movie) frame(movie, paper ? 1e6 : slide.querySelectorAll(".stage.visible").length);
}

/** Count the minutes of an exercise down, or stop. */
function count(button) {
  const left = Number(button.dataset.left ?? 60 * button.dataset.minutes);
  if (button.timer) {
    clearInterval(button.timer);
    button.timer = null;
    return;
  }
  const end = Date.now() + 1000 * left;
  button.timer = setInterval(() => {
    const seconds = Math.max(0, Math.round((end - Date.now()) / 1000));
    button.dataset.left = seconds;
    button.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    button.classList.toggle("over", seconds === 0);
    if (!seconds) clearInterval(button.timer);
  }, 200);
}

/** Where each section stands in an overview of so many bands, and how small that must be to be seen whole. */
function layout(sections, bands) {
  const across = Math.ceil(sections.length / bands), places = [];
  let y = 0;
  for (let i = 0; i < sections.length; i += across) {
    const band = sections.slice(i, i + across);
    band.forEach((_, x) => places.push([x, y]));
    y += Math.max(...band.map(section => section.children.length));
  }
  return { places, across, down: y, scale: Math.min(innerWidth / (across * PITCH.x), innerHeight / (y * PITCH.y)) };
}

/** Let the overview show the whole deck: a column for each section, in as many bands as make it largest. */
function fit() {
  const sections = [...document.querySelectorAll(".slides > section")];
  const best = [1, 2, 3, 4].map(bands => layout(sections, bands)).reduce((a, b) => b.scale > a.scale ? b : a);
  sections.forEach((section, i) => {
    const [x, y] = best.places[i];
    section.style.setProperty("--place", `translate(${x * PITCH.x}px, ${y * PITCH.y}px)`);
  });
  const x = (1 - best.across) / 2 * PITCH.x, y = (1 - best.down) / 2 * PITCH.y; // their middle is that of the window
  const placed = Reveal.getScale() === 1 ? "" : "translate(-50%, -50%)"; // reveal.js centres what it scales
  document.documentElement.style.setProperty("--overview", `${placed} scale(${best.scale}) translate(${x}px, ${y}px)`);
}

for (const movie of document.querySelectorAll("[data-build-up]")) {
  const stages = movie.querySelector("input").max;
  for (let i = 0; i < stages; i++) movie.insertAdjacentHTML("afterend", '<span class="fragment stage"></span>');
}
for (const button of document.querySelectorAll(".timer")) button.onclick = () => count(button);

Reveal.initialize({
  width: 1280, height: 720, margin: 0, center: false, hash: true, transition: "none", slideNumber: "c/t", controls: false,
  pdfSeparateFragments: false, plugins: [RevealNotes],
  keyboard: {
    32: () => go(1), 34: () => go(1), 39: () => go(1), 78: () => go(1),
    33: () => go(-1), 37: () => go(-1), 80: () => go(-1),
    75: () => play(here(".movie"), !here(".movie")?.timer),
    84: () => here(".timer")?.click(),
  },
});
Reveal.on("ready", () => {
  fit();
  document.querySelectorAll(".slides section section").forEach(build);
  if (paper) for (const movie of document.querySelectorAll(".movie")) frame(movie, 1e6); // paper shows how it ends
  else play(here(".movie"), true);
});
Reveal.on("slidechanged", ({ previousSlide, currentSlide }) => {
  play(previousSlide?.querySelector(".movie"), false);
  play(currentSlide.querySelector(".movie"), true);
  build(currentSlide);
});
for (const event of ["fragmentshown", "fragmenthidden"]) Reveal.on(event, () => build(Reveal.getCurrentSlide()));
for (const event of ["overviewshown", "resize"]) Reveal.on(event, fit);
