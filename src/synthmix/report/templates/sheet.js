(function () {
  "use strict";
  const sheet = JSON.parse(document.getElementById("sheet").textContent);
  const names = Object.keys(sheet.items).sort((a, b) => Number(a) - Number(b));
  const places = document.body.classList.contains("two-texts") ? ["left", "right"] : ["left"];
  const store = "synthmix-sheet-" + sheet.sheet;
  const FORMAT = "synthmix ratings 1";
  const LONGEST = 600; // seconds on one item that count: longer is a pause
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);
  let state = { rater: "", at: 0, answers: {} };
  let marked = "left";
  let since = Date.now();

  function say(text) {
    $("notice").textContent = text;
    $("notice").hidden = !text;
  }
  function save() {
    try {
      window.localStorage.setItem(store, JSON.stringify(state));
    } catch (error) {
      say("This browser does not keep what you enter (" + error.name + "): download your ratings before you leave.");
    }
  }
  function restore() {
    try {
      const kept = JSON.parse(window.localStorage.getItem(store));
      if (kept && kept.answers) state = Object.assign(state, kept);
    } catch (error) {
      say("Nothing kept could be read (" + error.name + "): this browser may not keep what you enter.");
    }
    state.at = Math.min(Math.max(0, state.at | 0), names.length - 1);
  }

  function answer() {
    const name = names[state.at];
    if (!state.answers[name]) state.answers[name] = {};
    const own = state.answers[name];
    places.forEach((place) => { own[place] = Object.assign({ quality: null, problems: [] }, own[place]); });
    return own;
  }
  function lacking(name) {
    const own = state.answers[name] || {};
    const open = places.filter((place) => !own[place] || !own[place].quality);
    return open.map((place) => "quality" + (places.length > 1 ? " " + place : ""))
      .concat(sheet.questions.filter((q) => !own[q.name]).map((q) => q.words.replace("?", "").toLowerCase()));
  }
  function count() {
    const finished = names.filter((name) => !lacking(name).length).length;
    $("finished").textContent = String(finished);
    $("progress").value = finished;
    const open = lacking(names[state.at]);
    const all = finished === names.length;
    $("missing").textContent = all ? "All finished: download your ratings." : open.length ? "Still open: " + open.join(" · ") : "Finished";
  }

  function mark(place) {
    if (!places.includes(place)) return;
    marked = place;
    document.querySelectorAll(".text").forEach((text) => text.classList.toggle("marked", text.dataset.place === place));
  }
  function show() {
    const name = names[state.at];
    const own = answer();
    sheet.items[name].forEach((text, i) => {
      const body = document.querySelector('[data-place="' + places[i] + '"] .body');
      body.textContent = text; // never as HTML
      body.scrollTop = 0;
    });
    places.forEach((place) => {
      document.getElementsByName("quality-" + place).forEach((box) => { box.checked = Number(box.value) === own[place].quality; });
      document.getElementsByName("problems-" + place).forEach((box) => { box.checked = own[place].problems.includes(box.value); });
    });
    sheet.questions.forEach((q) => {
      document.getElementsByName(q.name).forEach((box) => { box.checked = own[q.name] === box.value; });
    });
    $("comment").value = own.comment || "";
    $("place").textContent = String(state.at + 1);
    $("previous").disabled = state.at === 0;
    $("next").disabled = state.at === names.length - 1;
    mark("left");
    count();
  }
  function clock() {
    const own = answer();
    own.seconds = Math.round(10 * ((own.seconds || 0) + Math.min(LONGEST, (Date.now() - since) / 1000))) / 10;
    since = Date.now();
  }
  function go(to) {
    if (to < 0 || to >= names.length) return;
    clock();
    state.at = to;
    save();
    show();
    window.scrollTo(0, 0);
  }
  function unfinished() {
    for (let step = 1; step <= names.length; step++) {
      const at = (state.at + step) % names.length;
      if (lacking(names[at]).length) return go(at);
    }
  }

  // What is set by hand and by key goes the same way: through the page's own boxes.
  document.addEventListener("change", (event) => {
    const box = event.target;
    const own = answer();
    const part = (box.name || "").split("-");
    if (part[0] === "quality") own[part[1]].quality = Number(box.value);
    else if (part[0] === "problems") {
      const boxes = Array.from(document.getElementsByName(box.name));
      own[part[1]].problems = boxes.filter((each) => each.checked).map((each) => each.value);
    } else if (sheet.questions.some((q) => q.name === box.name)) own[box.name] = box.value;
    else return;
    if (part[1]) mark(part[1]);
    clock();
    save();
    count();
  });
  $("comment").addEventListener("input", () => { answer().comment = $("comment").value; save(); });
  $("rater").addEventListener("input", () => { state.rater = $("rater").value; save(); });
  document.querySelectorAll(".text").forEach((text) => {
    text.addEventListener("focusin", () => mark(text.dataset.place));
    text.addEventListener("click", () => mark(text.dataset.place));
  });
  function press(name, value) {
    const box = Array.from(document.getElementsByName(name)).find((each) => each.value === value);
    if (!box) return;
    box.checked = box.type === "radio" ? true : !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
  document.addEventListener("keydown", (event) => {
    const box = event.target.matches && event.target.matches("input");
    const writing = box && event.target.matches(":not([type=radio]):not([type=checkbox])");
    if (event.ctrlKey || event.metaKey || event.altKey || writing) return;
    const key = event.key.toLowerCase();
    const problem = sheet.problems.find((each) => each.key === key);
    const asked = sheet.questions.find((q) => q.choices.some((choice) => choice.key === key));
    if (key >= "1" && key <= "5" && key.length === 1) {
      const place = marked;
      press("quality-" + place, key);
      if (place === "left") mark("right");
    } else if (problem) press("problems-" + marked, problem.code);
    else if (asked) press(asked.name, asked.choices.find((choice) => choice.key === key).code);
    else if (key === "arrowleft" && !box) mark("left"); // within a row of boxes arrows are the browser's
    else if (key === "arrowright" && !box) mark("right");
    else if (key === "n") go(state.at + 1);
    else if (key === "p") go(state.at - 1);
    else if (key === "u") unfinished();
    else return;
    event.preventDefault();
  });

  function ratings() {
    clock();
    const answers = {};
    names.forEach((name) => {
      const own = state.answers[name];
      const said = own && (own.comment || sheet.questions.some((q) => own[q.name]) ||
        places.some((place) => own[place] && (own[place].quality || own[place].problems.length)));
      if (said) answers[name] = own;
    });
    return { format: FORMAT, sheet: sheet.sheet, rater: state.rater.trim(), answers: answers };
  }
  $("download").addEventListener("click", () => {
    if (!state.rater.trim()) {
      say("Write your name (or any name of your own) first: ratings are told apart by it.");
      $("rater").focus();
      return;
    }
    const left = names.filter((name) => lacking(name).length).length;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(ratings(), null, 1) + "\n"], { type: "application/json" }));
    link.download = "ratings-" + sheet.sheet + "-" + state.rater.trim().replace(/[^\w-]+/g, "_") + ".json";
    link.click();
    save();
    say(left ? "Downloaded; " + left + " of " + names.length + " items are not finished yet." : "Downloaded: all items are finished.");
  });
  $("load").addEventListener("click", () => {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = ".json,application/json";
    input.addEventListener("change", () => input.files[0].text().then((text) => {
      let found = null;
      try { found = JSON.parse(text); } catch (error) { found = null; }
      if (!found || found.format !== FORMAT) return say("That is no file of ratings.");
      if (found.sheet !== sheet.sheet) return say("Those are ratings of another sheet (" + found.sheet + ").");
      state = { rater: found.rater, at: 0, answers: found.answers };
      $("rater").value = state.rater;
      save();
      show();
      say("Loaded the ratings of " + found.rater + ".");
    }));
    input.click();
  });
  $("previous").addEventListener("click", () => go(state.at - 1));
  $("next").addEventListener("click", () => go(state.at + 1));
  $("unfinished").addEventListener("click", unfinished);
  window.addEventListener("pagehide", () => { clock(); save(); });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { clock(); save(); } else since = Date.now();
  });

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function theme() { return root.dataset.theme || (dark.matches ? "dark" : "light"); }
  function label() {
    $("theme").textContent = theme() === "dark" ? "Light" : "Dark";
    $("theme").setAttribute("aria-pressed", String(theme() === "dark"));
  }
  $("theme").addEventListener("click", () => { root.dataset.theme = theme() === "dark" ? "light" : "dark"; label(); });
  dark.addEventListener("change", label);

  restore();
  $("rater").value = state.rater;
  $("how").open = !Object.keys(state.answers).length;
  label();
  show();
})();
