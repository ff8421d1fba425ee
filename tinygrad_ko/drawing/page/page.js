// The page: at which step it is, what the reader has chosen, and what keys and buttons do. The address keeps all of it.

const state = {
  step: 0,
  wrong: false,
  twice: false,
  chosen: null,
  target: null,
  closed: new Set(),
  playing: null,
  address: null,
};
let run;

// What a click means: a step, a vertex, a group to fold, or a question.
function act(what) {
  if (what.step !== undefined) return goTo(what.step);
  if (what.back) return goTo(state.step);
  if (what.why !== undefined) return ask(what.why);
  const fold = what.fold ?? (what.group !== undefined && what.group !== null ? what.group : null);
  if (fold !== null) {
    state.closed.has(fold) ? state.closed.delete(fold) : state.closed.add(fold);
    redraw();
    return fillGroups();
  }
  choose(what.vertex);
}

function choose(i) {
  state.chosen = i;
  pause();
  follow(i);
  refresh();
  byId("panel").focus({ preventScroll: true });
}

// Back from a node that was chosen to the step; who came from the picture with the keyboard goes on there.
function unchoose() {
  const node = view.of[state.chosen];
  goTo(state.step);
  if (node) reach(node);
}

function ask(i) {
  state.target = i;
  byId("why").open = true;
  byId("target").value = String(i);
  refresh();
  byId("why").scrollIntoView({ block: "nearest" });
}

function goTo(step) {
  state.step = Math.max(0, Math.min(run.steps.length - 1, Math.round(Number(step)) || 0));
  state.chosen = null;
  refresh();
  const at = run.steps[state.step].vertex;
  if (at !== undefined) follow(at);
}

// Everything on the page for the state as it is.
function refresh() {
  const step = run.steps[state.step],
    vertex = step.vertex;
  const marks = { now: new Set(), wires: new Set(), path: new Set(), bad: new Set(), chosen: state.chosen };
  if (vertex !== undefined) {
    marks.now.add(vertex);
    for (const [, argument] of DATA.vertices[vertex].sources) if (step.kind !== "seed") marks.wires.add(`${vertex} ${argument}`);
  }
  if (state.target !== null && byId("why").open) {
    marks.path.add(state.target);
    for (const given of wayTo(state.target, run.contributions)) {
      marks.path.add(given.user);
      if (given.mark) marks.bad.add(given.user);
    }
  }
  show(run, state.step, marks);
  const shown = state.chosen === null ? PANELS[step.kind](step, state.step, act, run) : nodePanel(state.chosen, run, act);
  byId("panel").replaceChildren(...shown.filter(Boolean));
  byId("path").replaceChildren(...(state.target === null ? [] : pathPanel(state.target, run, act).filter(Boolean)));
  const most = run.steps.length - 1;
  byId("slider").max = most;
  byId("slider").value = state.step;
  byId("slider").setAttribute("aria-valuetext", spoken(step));
  byId("count").textContent = `${state.step} / ${most}`;
  for (const [id, end] of [
    ["first", 0],
    ["previous", 0],
    ["next", most],
    ["last", most],
  ])
    byId(id).setAttribute("aria-disabled", state.step === end); // a button that is disabled would lose the focus
  byId("spoken").textContent = spoken(step);
  keepAddress();
}

// What a step says in one line, for a screen reader.
function spoken(step) {
  if (step.kind === "forward") return `${word("forward")}: ${sentence(step)}`;
  if (step.kind === "backward") {
    const given = step.given.map(
      (c) =>
        `${partial(c.vertex)} = ${c.local != null ? `${brief(step.gradient)} × ${brief(c.local)} = ` : ""}${brief(c.part ?? c.given)}`,
    );
    return `${word("backward")}: ${title(step.vertex)}. ${given.join(". ")}`;
  }
  return {
    start: word("start"),
    seed: "∂L/∂L = 1",
    update: word("update"),
    twice: word("twice.title"),
    verdict: word("wrong.end"),
  }[step.kind];
}

function redraw(whole = true) {
  const focused = view.nodes.find((node) => node.drawn && node.drawn === document.activeElement);
  run = runOf(state);
  state.step = Math.min(state.step, run.steps.length - 1);
  draw(run, state.closed, act);
  if (whole) fit();
  refresh();
  const at = state.chosen ?? run.steps[state.step].vertex;
  if (at !== undefined) follow(at);
  if (focused) reach(view.of[focused.members[0]]);
}

// Play.
function pause() {
  clearTimeout(state.playing);
  state.playing = null;
  byId("play").textContent = `▶ ${word("play")}`;
}

function play() {
  if (state.playing !== null) return pause();
  if (state.step === run.steps.length - 1) goTo(0);
  const tick = () => {
    goTo(state.step + 1);
    state.playing = setTimeout(state.step < run.steps.length - 1 ? tick : pause, 1500 / Number(byId("speed").value));
  };
  state.playing = setTimeout(tick, 200);
  byId("play").textContent = `■ ${word("pause")}`;
}

// The address: #step=4&order=wrong&twice=1&why=2&fold=0,3&lang=ko
function keepAddress() {
  clearTimeout(state.address);
  state.address = setTimeout(writeAddress, 100); // a browser refuses hundreds of changes in a row
}

function writeAddress() {
  const told = new URLSearchParams({ step: state.step });
  if (state.wrong) told.set("order", "wrong");
  if (state.twice) told.set("twice", "1");
  if (state.chosen !== null) told.set("node", state.chosen);
  if (state.target !== null) told.set("why", state.target);
  told.set("fold", [...state.closed].join("."));
  told.set("lang", language);
  try {
    history.replaceState(null, "", `#${told}`);
  } catch {} // a frame in a notebook has no address
}

function readAddress() {
  const told = new URLSearchParams(location.hash.slice(1));
  const place = (key) =>
    /^\d+$/.test(told.get(key) || "") && Number(told.get(key)) < DATA.vertices.length ? Number(told.get(key)) : null;
  if (["ko", "en"].includes(told.get("lang"))) language = told.get("lang");
  Object.assign(state, {
    wrong: told.get("order") === "wrong" && !DATA.obstacle,
    twice: told.get("twice") === "1" && told.get("order") !== "wrong" && !DATA.obstacle,
    chosen: place("node"),
    target: place("why"),
  });
  state.step = /^\d+$/.test(told.get("step") || "") ? Number(told.get("step")) : 0;
  if (told.has("fold"))
    state.closed = new Set(
      told
        .get("fold")
        .split(".")
        .filter((g) => g in DATA.groups && g !== "")
        .map(Number),
    );
  else if (DATA.vertices.length > 80) state.closed = new Set(DATA.groups.keys());
  byId("wrong").checked = state.wrong;
  byId("twice").checked = state.twice;
  if (state.target !== null) byId("why").open = true;
}

// Words: all that stands on the page in the language of the reader.
function speak() {
  document.documentElement.lang = language;
  for (const part of document.querySelectorAll("[data-word]")) part.textContent = word(part.dataset.word);
  for (const part of document.querySelectorAll("[data-label]")) {
    part.setAttribute("aria-label", word(part.dataset.label));
    if (part.matches("button, input")) part.title = word(part.dataset.label);
  }
  document.title = byId("title").textContent = `${DATA.name} — ${word("title")}`;
  byId("next").textContent = `${word("next")} →`;
  byId("language").textContent = word("language");
  byId("language").setAttribute("aria-label", word("language.label"));
  byId("terms-label").hidden = language !== "ko";
  for (const which of ["wrong", "twice"]) {
    byId(which).disabled = DATA.obstacle !== null;
    byId(which).parentElement.title = DATA.obstacle ? inBoth(DATA.obstacle) : "";
  }
  byId("notes").replaceChildren(...DATA.notes.map((said) => element("li", {}, inBoth(said))));
  fillTargets();
  fillGroups();
  pause();
}

function fillTargets() {
  const ends = DATA.vertices.map((v, i) => [v, i]).filter(([v]) => v.kind !== "result" && v.kind !== "op");
  const known = ends.filter(([v]) => v.kind !== "constant" || big(v.value)); // a number that stands in the code is no question
  const options = known.map(([v, i]) => element("option", { value: i }, `${title(i)} (${word(`kind.${v.kind}`)})`));
  byId("target").replaceChildren(element("option", { value: "" }, "—"), ...options);
  byId("target").value = state.target === null ? "" : String(state.target);
  byId("names").replaceChildren(...DATA.vertices.map((_, i) => element("option", { value: title(i) })));
}

function fillGroups() {
  byId("grouping").hidden = !DATA.groups.length;
  const foldAll = (all) => {
    state.closed = new Set(all ? DATA.groups.keys() : []);
    redraw();
    fillGroups();
  };
  const all = [
    element("button", { click: () => foldAll(true) }, word("fold all")),
    " ",
    element("button", { click: () => foldAll(false) }, word("unfold all")),
  ];
  const each = DATA.groups.slice(0, 200).map((group, g) => {
    let depth = 0;
    for (let outer = group.parent; outer !== null; outer = DATA.groups[outer].parent) depth++;
    const row = element(
      "div",
      {},
      element("button.link", { click: () => act({ fold: g }) }, word(state.closed.has(g) ? "unfold" : "fold")),
      ` ${group.name} · ${word("operations", { n: group.operations })}`,
    );
    row.style.paddingLeft = `${depth}rem`;
    return row;
  });
  byId("groups").replaceChildren(element("p", {}, ...all), ...each);
}

function find(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return;
  const matches = DATA.vertices.map((v, i) => [`${title(i)} ${v.op || ""}`.toLowerCase(), i]).filter(([text]) => text.includes(wanted));
  const exact = matches.find(([, i]) => title(i).toLowerCase() === wanted) || matches[0];
  const again = matches.findIndex(([, i]) => i === state.chosen); // the same once more: the next one
  const found = (again < 0 ? exact : matches[(again + 1) % matches.length])?.[1] ?? -1;
  if (found < 0) byId("spoken").textContent = word("found none");
  byId("search").setCustomValidity(found < 0 ? word("found none") : "");
  byId("search").reportValidity();
  if (found < 0) return;
  choose(found);
  byId("search").focus({ preventScroll: true });
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input[type=search], select");
  if (event.key === "Escape" && (typing || state.chosen !== null)) return (event.target.blur(), unchoose());
  if (typing || (event.target.matches("#slider") && event.key !== " " && event.key !== "/")) return;
  const node = view.nodes.find((shown) => shown.drawn && shown.drawn === event.target);
  const pan = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
  const keys = {
    ArrowRight: () => (pause(), goTo(state.step + 1)),
    ArrowLeft: () => (pause(), goTo(state.step - 1)),
    Home: () => (pause(), goTo(0)),
    End: () => (pause(), goTo(run.steps.length - 1)),
    " ": play,
    "/": () => byId("search").focus(),
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(0.8),
    0: () => fit(true),
  };
  if (node)
    Object.assign(keys, {
      Enter: () => act(node),
      " ": () => act(node),
      ArrowDown: () => reach(view.nodes[view.nodes.indexOf(node) + 1]),
      ArrowUp: () => reach(view.nodes[view.nodes.indexOf(node) - 1]),
    });
  if (event.key === " " && event.target.matches("button, input, summary")) return;
  const done = event.shiftKey && pan ? () => moveView(view.x + pan[0], view.y + pan[1], view.scale) : keys[event.key];
  if (!done) return;
  event.preventDefault();
  done();
}

function listen() {
  const click = (id, done) => byId(id).addEventListener("click", done);
  click("first", () => goTo(0));
  click("previous", () => (pause(), goTo(state.step - 1)));
  click("next", () => (pause(), goTo(state.step + 1)));
  click("last", () => goTo(run.steps.length - 1));
  click("play", play);
  click("zoom-in", () => zoom(1.25));
  click("zoom-out", () => zoom(0.8));
  click("fit", () => fit(true));
  byId("graph").addEventListener("click", (event) => event.target === byId("graph") && state.chosen !== null && goTo(state.step));
  click("theme", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  click("language", () => {
    language = language === "ko" ? "en" : "ko";
    speak();
    redraw(false);
  });
  byId("slider").addEventListener("input", (event) => (pause(), goTo(event.target.value)));
  for (const which of ["wrong", "twice"]) {
    byId(which).addEventListener("change", (event) => {
      state[which] = event.target.checked;
      const other = which === "wrong" ? "twice" : "wrong"; // one question at a time
      if (state[which]) state[other] = byId(other).checked = false;
      redraw(false);
      const start = which === "wrong" ? run.seededAt : run.steps.findIndex((s) => s.kind === "twice");
      goTo(event.target.checked && start > 0 ? start : state.step);
    });
  }
  byId("terms").addEventListener("change", (event) => {
    otherTerms = event.target.value === "1";
    speak();
    refresh();
  });
  byId("target").addEventListener("change", (event) => {
    state.target = event.target.value === "" ? null : Number(event.target.value);
    refresh();
  });
  byId("why").addEventListener("toggle", refresh);
  byId("search").addEventListener("keydown", (event) => event.key === "Enter" && find(event.target.value));
  byId("search").addEventListener("input", () => byId("search").setCustomValidity(""));
  document.addEventListener("keydown", pressed);
  window.addEventListener("hashchange", () => (readAddress(), speak(), redraw(false)));
  window.addEventListener("resize", () => (view.down === window.innerWidth <= 760 ? fit() : redraw()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));
  byId("graph").addEventListener(
    "wheel",
    (event) => {
      const box = byId("graph").getBoundingClientRect();
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, { x: event.clientX - box.left, y: event.clientY - box.top });
    },
    { passive: false },
  );
  drag(byId("graph"));
}

// The picture moves with the pointer; two fingers zoom.
function drag(graph) {
  const fingers = new Map();
  const apart = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  graph.addEventListener("pointerdown", (event) => fingers.set(event.pointerId, { x: event.clientX, y: event.clientY }));
  graph.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const distance = fingers.size === 2 ? apart() : 0;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (distance) zoom(apart() / distance);
    else moveView(view.x + event.clientX - before.x, view.y + event.clientY - before.y, view.scale);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"])
    graph.addEventListener(end, (event) => fingers.delete(event.pointerId));
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  if (run) refresh();
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
readAddress();
listen();
speak();
redraw();
