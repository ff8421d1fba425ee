// Where the nodes of the picture stand: in layers by the longest way from a source, in each layer near what they are joined to
// (Sugiyama, Tagawa and Toda, 1981). A closed group is one node.

const LONG = 12; // so many layers a wire keeps its lane

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

// Sets x, y (the middle) of every node, which knows its width and height; `down` lets the graph run down, `room` is between layers,
// `gap` between nodes of one.
function layOut(nodes, wires, down, room, gap) {
  const into = new Map(nodes.map((n) => [n, []])),
    out = new Map(nodes.map((n) => [n, []]));
  for (const { tail, head } of wires) (into.get(head).push(tail), out.get(tail).push(head));
  const time = new Map(nodes.map((n) => [n, Math.max(...n.members.filter(isOp), n.members[0])]));
  const ordered = [...nodes].sort((a, b) => time.get(a) - time.get(b));
  for (const n of ordered) n.layer = Math.max(-1, ...into.get(n).map((m) => m.layer ?? -1)) + 1;
  for (const n of ordered) {
    // a source stands just before its first user
    if (!into.get(n).length && out.get(n).length) n.layer = Math.min(...out.get(n).map((m) => m.layer)) - 1;
  }
  const lowest = Math.min(0, ...nodes.map((n) => n.layer)),
    layers = [];
  const along = down ? "height" : "width",
    across = down ? "width" : "height";
  for (const n of ordered)
    (layers[(n.layer -= lowest)] ??= []).push((n.slot = { node: n, size: n[across] + gap, next: [], before: [] }));
  for (const wire of wires) {
    const { tail, head } = wire;
    let last = tail.slot;
    const far = head.layer - tail.layer;
    wire.bends = [];
    for (let l = tail.layer + 1; far <= LONG && l < head.layer; l++) {
      const bend = { node: null, size: 44, next: [], before: [last] }; // keeps a way free for the wire
      last.next.push(bend);
      wire.bends.push(bend);
      (layers[l] ??= []).push((last = bend));
    }
    (last.next.push(head.slot), head.slot.before.push(last));
  }
  for (let l = 0; l < layers.length; l++) layers[l] ??= [];
  place(layers);
  let start = 0;
  for (const layer of layers) {
    const width = Math.max(0, ...layer.map((slot) => (slot.node ? slot.node[along] : 0)));
    for (const slot of layer) {
      Object.assign(slot, { from: start, to: start + width });
      if (!slot.node) continue;
      const [a, b] = [start + width / 2, slot.at];
      [slot.node.x, slot.node.y] = down ? [b, a] : [a, b];
    }
    start += width + room;
  }
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
