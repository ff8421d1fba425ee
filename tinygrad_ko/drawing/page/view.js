// The picture: nodes and wires as SVG, what of them is shown at a step, and the part of it that is seen.

// `drawn` of a node or wire is its element as long as it is in the window or near it: a long graph is not drawn whole.
const view = { x: 0, y: 0, scale: 1, nodes: [], wires: [], frames: [], of: [], shown: null, act: null };

const BUTTONS = 40; // the height that the buttons for the zoom take

// About how wide a text is: Korean letters are square.
const widthOf = (text) => [...text].reduce((sum, c) => sum + (c > "\u2e7f" ? 13 : 7.4), 0);
const cut = (text, length = 26) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

// What stands in a node: [text, classes, when it is shown], line by line.
function nodeLines(node, run) {
  if (node.group !== null) {
    const group = DATA.groups[node.group];
    return [
      [cut(group.name), "title"],
      [word("operations", { n: group.operations }), "small"],
    ];
  }
  const i = node.vertex,
    vertex = DATA.vertices[i];
  if (vertex.kind === "op") {
    const lines = vertex.sign ? [[vertex.sign, "sign"]] : [[cut(vertex.op), "title"]];
    if (vertex.sign || title(i) !== vertex.op) lines.push([cut(title(i)), "small"]);
    lines.push(...vertex.options.slice(0, 2).map((option) => [cut(option), "small"]));
    if ((run.parts.get(i) || []).length > 1) lines.push([`Σ ${brief(run.gradientOf(i))}`, "gradient"]);
    return lines;
  }
  const value = vertex.kind === "result" ? DATA.vertices[vertex.sources[0][0]].value : vertex.value;
  const number = vertex.kind === "constant" && vertex.title === brief(value);
  const lines = number ? [] : [[cut(title(i)), "title"]];
  lines.push([vertex.kind === "result" && run.seeded ? `L = ${brief(value)}` : brief(value), "value"]);
  if (run.parts.has(i)) lines.push([`∂ ${brief(run.gradientOf(i))}`, "gradient"]);
  return lines;
}

// Draws everything for a run (see `page.js`), with the groups in `closed` as one node each.
function draw(run, closed, act) {
  const scene = byId("scene");
  scene.replaceChildren();
  const { nodes, of } = visibleNodes(closed),
    wires = visibleWires(of);
  view.down = window.innerWidth <= 760;
  for (const node of nodes) {
    node.lines = nodeLines(node, run);
    node.width = Math.max(44, ...node.lines.map(([text]) => widthOf(text))) + 18;
    node.height = 10 + node.lines.reduce((sum, [, kind]) => sum + (kind === "sign" ? 20 : 17), 0);
  }
  const widest = Math.max(0, ...wires.filter(isSingle).map((wire) => widthOf(brief(DATA.vertices[wire.source].value))));
  const [room, gap] = view.down ? [64, 18 + widest / 2] : [Math.max(84, widest * 1.4 + 20), 22];
  const frames = layOut(nodes, wires, view.down, room, gap);
  for (const node of nodes) node.box = boxAround([[node.x - node.width / 2, node.y - node.height / 2], [node.x + node.width / 2, node.y + node.height / 2]]);
  for (const wire of wires) wire.box = boxAround([[wire.tail.x, wire.tail.y], [wire.head.x, wire.head.y], ...wire.bends.map((bend) => (view.down ? [bend.at, bend.from] : [bend.from, bend.at]))]);
  Object.assign(view, { nodes, wires, of, frames, act, shown: null, reached: null });
  scene.append(drawn("g", {}, ...frames.map((frame) => frameElement(frame, act))), drawn("g", { id: "wires" }), drawn("g", { id: "nodes" }));
}

function boxAround(points) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

// Draws what has come near the window, and takes away what has left it.
function drawNear() {
  const window = byId("graph").getBoundingClientRect();
  const [width, height] = [window.width / view.scale, window.height / view.scale];
  const [left, top] = [-view.x / view.scale - width / 2, -view.y / view.scale - height / 2];
  const isNear = ({ box }) => box.right > left && box.left < left + 2 * width && box.bottom > top && box.top < top + 2 * height;
  const { run } = view.shown;
  for (const [all, layer, make] of [
    [view.wires, byId("wires"), (wire) => wireOf(wire, run)],
    [view.nodes, byId("nodes"), (node) => nodeOf(node, view.act)],
  ]) {
    const come = [];
    for (const shown of all) {
      const near = isNear(shown);
      if (near && !shown.drawn) ((shown.drawn = make(shown)), (shown.names = null), come.push(shown.drawn));
      else if (!near && shown.drawn && shown !== view.reached) (shown.drawn.remove(), (shown.drawn = null));
    }
    layer.append(...come);
  }
}

function nodeOf(node, act) {
  const kind = node.group !== null ? "op.closed" : DATA.vertices[node.vertex].kind;
  const left = node.x - node.width / 2,
    top = node.y - node.height / 2;
  const rect = drawn("rect", { x: left, y: top, width: node.width, height: node.height, rx: kind === "op" ? 9 : 3 });
  let y = top + 3;
  const texts = node.lines.map(([text, classes]) => {
    y += classes === "sign" ? 20 : 17;
    return drawn(`text.${classes}`, { x: node.x, y: y - 2 }, text);
  });
  const told = { "data-key": node.key, role: "button", tabindex: node === view.reached ? 0 : -1 };
  return drawn("g", { ...told, click: () => act(node), focus: () => reach(node, false) }, rect, ...texts);
}

// What a screen reader says of a node: its name and kind, and the value and gradient that it has at this step.
function nameOf(node, hasValue, hasGradient, { run, step }) {
  const i = node.vertex;
  if (i === null) return `${DATA.groups[node.group].name}, ${word("operations", { n: DATA.groups[node.group].operations })}, ${word("unfold")}`;
  const vertex = DATA.vertices[i],
    value = (vertex.kind === "result" ? DATA.vertices[vertex.sources[0][0]] : vertex).value;
  const said = [title(i), vertex.op && vertex.op !== title(i) ? vertex.op : "", word(`kind.${vertex.kind}`)];
  if (hasValue) said.push(`${word("value")} ${brief(value)}`);
  if (hasGradient) said.push(`${word("gradient")} ${brief(run.gradientOf(i, step))}`);
  return said.filter(Boolean).join(", ");
}

// The one node that Tab leads to; from it ↑ and ↓ lead to the others, oldest first.
function reach(node, focus = true) {
  if (!node) return;
  if (view.reached && view.reached.drawn) view.reached.drawn.setAttribute("tabindex", -1);
  view.reached = node;
  if (focus) (follow(node.members[0]), drawNear());
  if (!node.drawn) return;
  node.drawn.setAttribute("tabindex", 0);
  if (focus) node.drawn.focus({ preventScroll: true });
}

// Whether one value flows along a wire.
const isSingle = ({ tail, head, lanes }) => tail.group === null || head.group === null || lanes === 1;

// A wire with the value that goes forward above it, and below it the gradient that comes back.
function wireOf(wire, run) {
  const { tail, head, lane, lanes } = wire,
    shift = (lane - (lanes - 1) / 2) * 52;
  const single = isSingle(wire),
    value = single ? brief(DATA.vertices[wire.source].value) : "";
  const contribution = run.given.get(wire.use);
  const seeded = DATA.vertices[wire.user].kind === "result" && run.seeded;
  const gradient = seeded ? brief(run.seeded.gradient) : contribution && single ? brief(contribution.given) : "";
  // From the tail through the bends, straight through the layer of each, to the head.
  const [tailEnd, headEnd] = view.down
    ? [tail.y + tail.height / 2, head.y - head.height / 2]
    : [tail.x + tail.width / 2, head.x - head.width / 2];
  const [tailAt, headAt] = view.down ? [tail.x, head.x] : [tail.y, head.y];
  const stops = [
    [tailEnd, tailAt],
    ...wire.bends.flatMap((bend) => [
      [bend.from, bend.at + shift],
      [bend.to, bend.at + shift],
    ]),
    [headEnd, headAt],
  ];
  const bow = wire.bends.length ? 0 : shift,
    xy = (along, across) => (view.down ? `${across},${along}` : `${along},${across}`);
  let path = `M${xy(...stops[0])}`;
  for (let k = 1; k < stops.length; k++) {
    const [[from, y1], [to, y2]] = [stops[k - 1], stops[k]],
      middle = (from + to) / 2;
    path += k % 2 ? `C${xy(middle, y1 + bow)} ${xy(middle, y2 + bow)} ${xy(to, y2)}` : `L${xy(to, y2)}`;
  }
  // The numbers stand where the wire is alone: at its bend, near its tail if others enter the head, near its head if others leave the tail.
  const t = wire.leaving < 2 === wire.entering < 2 ? 0.5 : wire.leaving < 2 ? 0.38 : 0.62,
    u = 1 - t,
    last = stops[stops.length - 1],
    bend = wire.bends[0];
  const curve = (from, one, two, to) => u * u * u * from + 3 * u * u * t * one + 3 * u * t * t * two + t * t * t * to;
  const middle = (stops[0][0] + last[0]) / 2;
  const along = bend ? (bend.from + bend.to) / 2 : curve(stops[0][0], middle, middle, last[0]);
  const across = bend ? bend.at + shift : curve(stops[0][1], stops[0][1] + bow, last[1] + bow, last[1]);
  const [forward, back] = view.down ? [along - 3, along + 11].map((y) => ({ x: across, y })) : [across - 6, across + 15].map((y) => ({ x: along, y }));
  return drawn(
    "g.wire",
    {},
    drawn("path", { d: path }),
    drawn("text.value", forward, value),
    drawn("text.gradient", back, gradient),
  );
}

// The frame of an open group; its name folds it.
function frameElement(frame, act) {
  const [x, y] = [frame.x - frame.width / 2, frame.y - frame.height / 2];
  const fold = { "text-anchor": "start", x: x + 6, y: y + 13, click: () => act({ fold: frame.group }) };
  return drawn(
    "g.group",
    {},
    drawn("rect", { x, y, width: frame.width, height: frame.height }),
    drawn("text", fold, `▾ ${cut(DATA.groups[frame.group].name)}`),
  );
}

// Shows what is known at a step, and marks what the step is about.
function show(run, step, marks) {
  view.shown = { run, step, marks };
  const about = view.nodes.find((node) => node.members.some((m) => marks.now.has(m)));
  if (!view.reached || document.activeElement !== view.reached.drawn) reach(about || view.nodes[0], false);
  drawNear();
  dress();
}

// Gives all that is drawn the classes of the step. Only what changes is written: the browser then draws no more than that.
function dress() {
  const { run, step, marks } = view.shown;
  const at = (time) => time !== undefined && time <= step;
  for (const node of view.nodes) {
    if (!node.drawn) continue;
    const i = node.vertex,
      last = node.members[node.members.length - 1];
    const value =
      i === null
        ? at(run.valueAt.get(last))
        : DATA.vertices[i].kind !== "result" || at(run.valueAt.get(DATA.vertices[i].sources[0][0]));
    const hasValue = value && (i === null || DATA.vertices[i].kind !== "op" || at(run.valueAt.get(i)));
    const gradient = i !== null && at(run.gradientAt.get(i));
    const now = node.members.some((m) => marks.now.has(m));
    const names = ["node", ...(i === null ? ["op", "closed"] : [DATA.vertices[i].kind])];
    if (value) names.push("on");
    if (gradient) names.push("back");
    if (now) names.push("now");
    if (node.members.includes(marks.chosen)) names.push("chosen");
    if (node.members.some((m) => marks.path.has(m))) names.push("path");
    if (node.members.some((m) => marks.bad.has(m))) names.push("bad");
    if (!setClass(node, names.join(" "))) continue;
    node.drawn.setAttribute("aria-label", nameOf(node, hasValue, gradient, view.shown));
    now ? node.drawn.setAttribute("aria-current", "step") : node.drawn.removeAttribute("aria-current");
  }
  for (const wire of view.wires) {
    if (!wire.drawn) continue;
    const names = ["wire"],
      given = run.given.get(wire.use);
    const result = DATA.vertices[wire.user].kind === "result";
    if (at(run.valueAt.get(wire.source))) names.push("on");
    if (given ? at(run.givenAt.get(given)) : result && run.seeded && at(run.seededAt)) names.push("back");
    if (marks.wires.has(wire.use)) names.push("now");
    if (marks.path.has(wire.user) && marks.path.has(wire.source)) names.push("path");
    setClass(wire, names.join(" "));
  }
}

function setClass(shown, names) {
  if (shown.names === names) return false;
  shown.names = names;
  shown.drawn.setAttribute("class", names);
  return true;
}

// Pan and zoom.
function moveView(x, y, scale) {
  Object.assign(view, { x, y, scale });
  byId("scene").setAttribute("transform", `translate(${x},${y}) scale(${scale})`);
  if (view.shown) (drawNear(), dress());
}

function zoom(factor, at) {
  const box = byId("graph").getBoundingClientRect(),
    middle = at || { x: box.width / 2, y: box.height / 2 };
  const scale = Math.min(6, Math.max(0.02, view.scale * factor)),
    ratio = scale / view.scale;
  moveView(middle.x - (middle.x - view.x) * ratio, middle.y - (middle.y - view.y) * ratio, scale);
}

// All of the picture; where it would be too small to read, its beginning.
function fit(whole = false) {
  const box = byId("graph").getBoundingClientRect(),
    pad = 24;
  if (!view.nodes.length || !box.width) return;
  const left = Math.min(...view.nodes.map((n) => n.x - n.width / 2)) - pad,
    right = Math.max(...view.nodes.map((n) => n.x + n.width / 2)) + pad;
  const top = Math.min(...view.nodes.map((n) => n.y - n.height / 2)) - pad,
    bottom = Math.max(...view.nodes.map((n) => n.y + n.height / 2)) + pad;
  const height = box.height - BUTTONS;
  const scale = Math.min(1.7, box.width / (right - left), height / (bottom - top));
  const readable = Math.max(scale, whole ? 0 : view.down ? 0.65 : 0.8);
  const x = box.width / (right - left) < readable ? -left * readable : (box.width - (left + right) * readable) / 2;
  const y = height / (bottom - top) < readable && view.down ? -top * readable : (height - (top + bottom) * readable) / 2;
  moveView(x, y, readable);
}

// Moves the picture if a node is not in it.
function follow(i) {
  const node = view.of[i],
    box = byId("graph").getBoundingClientRect();
  if (!node || !box.width) return;
  const x = node.x * view.scale + view.x,
    y = node.y * view.scale + view.y,
    edge = 60;
  const inside = x > edge && y > edge && x < box.width - edge && y < box.height - edge;
  if (!inside) moveView(box.width / 2 - node.x * view.scale, box.height / 2 - node.y * view.scale, view.scale);
}
