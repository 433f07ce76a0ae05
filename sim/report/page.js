"use strict";
(() => {
  addEventListener("beforeprint", () => document.querySelectorAll("details.printed").forEach((each) => each.open = true));
  const player = document.getElementById("player");
  if (!player) return;
  const layers = [...player.querySelectorAll(".frames")].map((each) => [...each.querySelectorAll("img")]);
  const [play, day, now, layer] = ["play", "day", "now", "layer"].map((id) => document.getElementById(id));
  let timer = null;

  function show() {
    const frames = layers[layer ? Number(layer.value) : 0];
    day.max = frames.length - 1;
    const frame = frames[Number(day.value)];
    player.querySelectorAll("img.now").forEach((each) => each.classList.remove("now"));
    frame.classList.add("now");
    now.textContent = frame.dataset.day;
    day.setAttribute("aria-valuetext", "day " + frame.dataset.day);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function step() {
    if (Number(day.value) >= Number(day.max)) return stop();
    day.value = Number(day.value) + 1;
    show();
  }

  play.addEventListener("click", () => {
    if (timer !== null) return stop();
    if (Number(day.value) >= Number(day.max)) day.value = 0;
    show();
    play.textContent = "Pause";
    timer = setInterval(step, 250);
  });
  day.addEventListener("input", () => { stop(); show(); });
  if (layer) layer.addEventListener("change", show);
  player.querySelector(".controls").addEventListener("submit", (event) => event.preventDefault());
  player.querySelector(".controls").hidden = false;
  player.classList.add("live");
  show();
})();
