// Where the nodes of the picture stand: in layers by the longest way from a source, in each layer near what they are joined to
// (Sugiyama, Tagawa and Toda, 1981). A closed group is one node.

const LONG = 12; // so many layers a wire keeps its lane
const LANE = 44; // its breadth
const PAD = 12; // in a frame around what is in it
const NAME = 16; // the height of the name of a frame

// The nodes that are seen: {key, members, vertex or group}, oldest first, and for each vertex its node.
function visibleNodes(closed) {
  const nodes = new Map(),
    of = [];
  DATA.vertices.forEach((vertex, i) => {
    let key = `v${i}`,
      group = null;
    for (let g = vertex.group; g !== null; g = DATA.groups[g].parent) if (closed.has(g)) ((group = g), (key = `g${g}`));
    if (!nodes.has(key)) nodes.set(key, { key, group, vertex: group === null ? i : null, members: [] });
    nodes.get(key).members.push(i);
    of[i] = nodes.get(key);
  });
  return { nodes: [...nodes.values()], of };
}

// The wires between them: {tail, head, source, user, use, lane} for each use of a value, or one for all between two if one is closed.
function visibleWires(of) {
  const wires = [],
    between = new Map();
  DATA.vertices.forEach((user, i) => {
    for (const [source, argument] of user.sources) {
      const tail = of[source],
        head = of[i];
      if (tail === head) continue;
      const key = `${tail.key} ${head.key}`,
        lane = between.get(key) || 0;
      if (lane && (tail.group !== null || head.group !== null)) continue;
      between.set(key, lane + 1);
      wires.push({ tail, head, source, user: i, use: `${i} ${argument}`, lane });
    }
  });
  const leaving = counted(wires, "tail"),
    entering = counted(wires, "head");
  for (const wire of wires) {
    Object.assign(wire, { leaving: leaving.get(wire.tail), entering: entering.get(wire.head) });
    wire.lanes = between.get(`${wire.tail.key} ${wire.head.key}`);
  }
  return wires;
}

// How many wires have each node as their `end`.
function counted(wires, end) {
  const counts = new Map();
  for (const wire of wires) counts.set(wire[end], (counts.get(wire[end]) || 0) + 1);
  return counts;
}

// Sets x, y (the middle) of every node, which knows its width and height, and the bends of the wires. Returns the frames of the open
// groups, the outer ones first. A group is laid out by itself and is then one item of the frame around it: so no frame lies over what is
// not in it. `down` lets the graph run down, `room` is between layers, `gap` between nodes of one.
function layOut(nodes, wires, down, room, gap) {
  const whole = { group: null, depth: 0, items: [], members: [], around: null },
    frames = new Map([[null, whole]]);
  const frameOf = (g) => {
    if (!frames.has(g)) {
      const around = frameOf(DATA.groups[g].parent);
      frames.set(g, { group: g, depth: around.depth + 1, items: [], members: [], around });
      around.items.push(frames.get(g));
    }
    return frames.get(g);
  };
  for (const node of nodes) {
    node.around = frameOf(node.group !== null ? DATA.groups[node.group].parent : DATA.vertices[node.vertex].group);
    node.around.items.push(node);
    for (let frame = node.around; frame; frame = frame.around) frame.members.push(...node.members);
  }
  for (const wire of wires) Object.assign(wire, { out: [], middle: [], into: [] });
  const outward = [...frames.values()].sort((a, b) => b.depth - a.depth);
  for (const frame of outward) layOutFrame(frame, wires, down, room, gap);
  for (const wire of wires) wire.bends = [...wire.out, ...wire.middle, ...wire.into];
  const inward = outward.reverse();
  for (const frame of inward) moveInside(frame, down);
  return inward.slice(1);
}

// Lays out the items of a frame from 0, 0 on, and sets its size and the bends that wires have in it.
function layOutFrame(frame, wires, down, room, gap) {
  const itemWith = (item) => {
    while (item && item.around !== frame) item = item.around;
    return item;
  };
  const links = [];
  for (const wire of wires) {
    const tail = itemWith(wire.tail),
      head = itemWith(wire.head);
    if (tail !== head) links.push({ tail, head, wire });
  }
  const [length, breadth] = arrange(frame.items, links, down, room, gap);
  for (const { tail, head, wire, bends } of links) {
    if (tail && head) wire.middle = bends;
    else if (tail) wire.out.push(...bends);
    else wire.into.unshift(...bends);
  }
  frame.bends = links.flatMap((link) => link.bends);
  const name = frame.group === null ? 0 : widthOf(DATA.groups[frame.group].name.slice(0, 26)) + 20;
  frame.width = Math.max(name, (down ? breadth : length) + 2 * PAD);
  frame.height = (down ? length : breadth) + 2 * PAD + NAME;
}

// Moves what is in a frame to where the frame stands.
function moveInside(frame, down) {
  const [x, y] = frame.around
    ? [frame.x - frame.width / 2 + PAD, frame.y - frame.height / 2 + PAD + NAME]
    : [0, 0];
  for (const item of frame.items) ((item.x += x), (item.y += y));
  const [along, across] = down ? [y, x] : [x, y];
  for (const bend of frame.bends) ((bend.from += along), (bend.to += along), (bend.at += across));
}

// Places items in layers. A link without a tail comes from outside, before the first layer; one without a head goes outside. Sets the
// bends of the links; returns how long and how broad all is.
function arrange(items, links, down, room, gap) {
  const into = new Map(items.map((n) => [n, []])),
    out = new Map(items.map((n) => [n, []]));
  for (const { tail, head } of links) if (tail && head) (into.get(head).push(tail), out.get(tail).push(head));
  const time = new Map(items.map((n) => [n, Math.max(...n.members.filter(isOp), n.members[0])]));
  const ordered = [...items].sort((a, b) => time.get(a) - time.get(b));
  for (const n of ordered) n.layer = Math.max(-1, ...into.get(n).map((m) => m.layer ?? -1)) + 1;
  for (const n of ordered) {
    // a source stands just before its first user
    if (!into.get(n).length && out.get(n).length) n.layer = Math.min(...out.get(n).map((m) => m.layer)) - 1;
  }
  const lowest = Math.min(...items.map((n) => n.layer)),
    layers = [];
  const [thick, wide] = down ? ["height", "width"] : ["width", "height"];
  for (const n of ordered)
    (layers[(n.layer -= lowest)] ??= []).push((n.slot = { node: n, size: n[wide] + gap, next: [], before: [] }));
  for (let l = 0; l < layers.length; l++) layers[l] ??= [];
  for (const link of links) {
    const { tail, head } = link,
      first = tail ? tail.layer + 1 : 0,
      end = head ? head.layer : layers.length;
    let last = tail?.slot;
    const join = (slot) => (last && (last.next.push(slot), slot.before.push(last)), (last = slot));
    link.bends = [];
    for (let l = first; end - first < LONG && l < end; l++) {
      const bend = { node: null, size: LANE, next: [], before: [] }; // keeps a way free for the wire
      layers[l].push(bend);
      link.bends.push(join(bend));
    }
    if (head) join(head.slot);
  }
  place(layers);
  const slots = layers.flat(),
    edge = Math.min(...slots.map((slot) => slot.at - slot.size / 2));
  let start = 0;
  for (const layer of layers) {
    const width = Math.max(0, ...layer.map((slot) => (slot.node ? slot.node[thick] : 0)));
    for (const slot of layer) {
      Object.assign(slot, { from: start, to: start + width, at: slot.at - edge });
      if (!slot.node) continue;
      // A source stands at the end of a layer that is longer, so that its wire runs over nothing.
      const along = slot.before.length ? start + width / 2 : start + width - slot.node[thick] / 2;
      [slot.node.x, slot.node.y] = down ? [slot.at, along] : [along, slot.at];
    }
    start += width + room;
  }
  return [start - room, Math.max(...slots.map((slot) => slot.at + slot.size / 2))];
}

const isOp = (i) => DATA.vertices[i].kind === "op";

// Order and place the slots of each layer: near the mean of their neighbours, none over another.
function place(layers) {
  for (const layer of layers) spread(layer);
  for (let turn = 0; turn < 10; turn++) {
    const forward = turn % 2 === 0;
    for (const layer of forward ? layers : [...layers].reverse()) {
      for (const slot of layer) {
        const near = forward ? slot.before : slot.next,
          other = near.length || turn < 4 ? near : slot.before.concat(slot.next);
        slot.wish = other.length ? other.reduce((sum, s) => sum + s.at, 0) / other.length : slot.at;
      }
      if (turn < 6) layer.sort((a, b) => a.wish - b.wish);
      spread(layer);
    }
  }
}

// The slots in their order, each as near to its wish as the others let it: those that would overlap stand together, at their mean wish.
function spread(layer) {
  const blocks = [];
  for (const slot of layer) {
    let block = { slots: [slot], size: slot.size, middle: slot.wish ?? 0 };
    while (blocks.length) {
      const last = blocks[blocks.length - 1];
      if (last.middle + last.size / 2 <= block.middle - block.size / 2) break;
      blocks.pop();
      const slots = last.slots.concat(block.slots),
        size = last.size + block.size;
      let offset = -size / 2,
        sum = 0;
      for (const s of slots) ((sum += (s.wish ?? 0) - offset - s.size / 2), (offset += s.size));
      block = { slots, size, middle: sum / slots.length };
    }
    blocks.push(block);
  }
  for (const { slots, size, middle } of blocks) {
    let at = middle - size / 2;
    for (const slot of slots) ((slot.at = at + slot.size / 2), (at += slot.size));
  }
}
