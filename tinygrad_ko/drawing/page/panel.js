// What is said of a step, of a node, and of the way of a gradient.

const partial = (i) => `∂L/∂${title(i)}`;
const VANISHED = 1e-4; // so small a part of a gradient is nearly nothing
const SUMMANDS = 6; // that are written one by one
const note = (text) => element("p.note", {}, text);

// A button in the text that shows a node; pointed at, it makes the node glow in the picture.
function link(i, act) {
  const glow = (on) => () => view.of[i].drawn?.classList.toggle("glow", on);
  return element(
    "button.link",
    { click: () => act({ vertex: i }), mouseenter: glow(true), mouseleave: glow(false), focus: glow(true), blur: glow(false) },
    title(i),
  );
}

// The call of an operation, with names or with numbers: "apple × count", "affine(x, W, b)".
function call(vertex, parts) {
  const infix = ["+", "−", "×", "÷", "@"].includes(vertex.sign) && parts.length === 2 && !vertex.options.length;
  return infix ? parts.join(` ${vertex.sign} `) : `${vertex.op}(${[...parts, ...vertex.options].join(", ")})`;
}

function sentence(step) {
  const vertex = DATA.vertices[step.vertex];
  const names = call(
      vertex,
      step.inputs.map(([, i]) => title(i)),
    ),
    numbers = call(
      vertex,
      step.inputs.map(([, , x]) => brief(x)),
    );
  return [...new Set([title(step.vertex), names, numbers, brief(vertex.value)])].join(" = ");
}

function codeOf(vertex) {
  if (!vertex.line) return null;
  return element("p.formula", {}, `${word("line")} (${vertex.line}): `, element("code", {}, vertex.code));
}

// Why the derivative of an operation is what it is, in a sentence or two.
const ruleOf = (vertex) => (WORDS.en[`rule.${vertex.op}`] ? note(word(`rule.${vertex.op}`)) : null);

// A title, with the operation where it is called otherwise: "h (tanh)".
const fullTitle = (i) => title(i) + (WORDS.en[`op.${DATA.vertices[i].op}`] ? "" : title(i).split(" ")[0] === DATA.vertices[i].op ? "" : ` (${DATA.vertices[i].op})`);

function savesOf(vertex) {
  if (!vertex.saves.length) return note(word("saves nothing"));
  return note(`${word("saves")}: ${vertex.saves.map(([name, size]) => `${name} (${size})`).join(", ")}`);
}

const head = (text, kind, number) => element("h2", {}, number ? `${number}. ` : "", text, " ", element("span.kind", {}, kind));

const PANELS = {
  start: () => [
    head(word("start"), ""),
    element("p", {}, word("start.text")),
    element("p", {}, element("b.val", {}, word("legend.value")), " · ", element("b.up", {}, word("legend.gradient"))),
    note(word("legend")),
    DATA.obstacle ? element("p.mark", {}, `${word("no backward")} ${inBoth(DATA.obstacle)}`) : null,
  ],

  forward(step, number, act) {
    const vertex = DATA.vertices[step.vertex];
    return [
      head(fullTitle(step.vertex), word("forward"), number),
      element("p.sum.val", {}, sentence(step)),
      codeOf(vertex),
      element("h3", {}, word("came in")),
      ...step.inputs.map(([argument, i, value]) => figure(value, argument === title(i) ? argument : `${argument} = ${title(i)}`)),
      element("h3", {}, word("goes out")),
      figure(vertex.value, title(step.vertex)),
      savesOf(vertex),
    ];
  },

  seed: (step, number) => [
    head(word("seed"), word("backward"), number),
    element("p.sum.up", {}, "∂L/∂L = 1"),
    element("p.sum.val", {}, `L = ${DATA.name} = ${brief(DATA.vertices[step.vertex].value)}`),
    element("p", {}, word("seed.text", { name: DATA.name })),
    element("p", {}, word("seed.local")),
  ],

  backward(step, number, act, run) {
    const vertex = DATA.vertices[step.vertex];
    return [
      head(fullTitle(step.vertex), word("backward"), number),
      ...(run.wrong && number === run.firstBackward ? [note(word(DATA.wrongWaits ? "wrong.text" : "wrong.front"))] : []),
      ...(step.missing
        ? [element("p.mark", {}, word("wrong.missing", { n: step.missing }), step.empty ? ` ${word("wrong.none")}` : "")]
        : []),
      element(
        "p.sum",
        {},
        `${word("upstream gradient")} `,
        element("span.up", {}, `${partial(step.vertex)} = ${brief(step.gradient)}`),
      ),
      run.wrong && step.missing
        ? element("p", {}, `${word("wrong.right")}: ${partial(step.vertex)} = ${brief(vertex.gradient)}`)
        : null,
      big(step.gradient) ? figure(step.gradient, partial(step.vertex), "up") : null,
      ruleOf(vertex),
      ...step.given.map((given) => card(step, given, number, act)),
      codeOf(vertex),
      ...(run.isLastBackward(number) ? ending() : []),
    ];
  },

  update: (step, number, act, run) => [
    head(word("update"), "", number),
    element("p", {}, word("update.text", { lr: numeral(DATA.lr) })),
    ...step.leaves.map(([i, value, g, after, twice, afterTwice]) => {
      const [gradient, end] = run.twice ? [twice, afterTwice] : [g, after];
      const numbers = big(value)
        ? []
        : [
            element(
              "p.sum",
              {},
              element("span.val", {}, brief(value)),
              ` − ${numeral(DATA.lr)} × `,
              element("span.up", {}, brief(gradient)),
              " = ",
              element("b.val", {}, brief(end)),
            ),
          ];
      const maps = big(value)
        ? [
            figure(value, title(i)),
            figure(gradient, partial(i), "up"),
            figure(end, `${title(i)} − ${numeral(DATA.lr)} × ${partial(i)}`),
          ]
        : [];
      return element(
        "div.card",
        {},
        element("div", {}, link(i, act), ` − ${numeral(DATA.lr)} × ${partial(i)}`),
        ...numbers,
        ...maps,
      );
    }),
  ],

  twice: (step, number, act) => [
    head(word("twice.title"), "", number),
    element("p", {}, word("twice.text")),
    ...step.leaves.map(([i, g, twice]) =>
      element(
        "div.card",
        {},
        link(i, act),
        element(
          "div.product",
          {},
          term(brief(g), word("was there")),
          element("span.op", {}, "+"),
          term(brief(g), word("is added")),
          element("span.op", {}, "="),
          term(brief(twice), word("sum"), "this"),
        ),
        ...(big(g) ? [figure(twice, partial(i), "up")] : []),
      ),
    ),
  ],

  verdict: (step, number, act) => [
    head(word("wrong.end"), "", number),
    element("p", {}, word(step.ends.every(([, got, right]) => got === right) ? "wrong.end.fine" : "wrong.end.text")),
    ...run.early.map(([early, at]) =>
      element(
        "p.mark",
        {},
        element("button.link", { click: () => act({ step: at }) }, word("wrong.cause.step", { step: at })),
        ` ${word("wrong.cause", { name: title(early.vertex), got: brief(early.gradient), right: brief(DATA.vertices[early.vertex].gradient) })}`,
      ),
    ),
    ...step.ends.map(([i, got, right]) =>
      element(
        `div.card${got === right ? "" : ".bad"}`,
        {},
        link(i, act),
        element(
          "div.product",
          {},
          term(`${partial(i)} = ${brief(got)}`, word("wrong")),
          element("span.op", {}, got === right ? "=" : "≠"),
          term(brief(right), word("wrong.right"), "this"),
        ),
        ...(big(got) && got !== right ? [figure(got, word("wrong"), "up"), figure(right, word("wrong.right"), "up")] : []),
      ),
    ),
  ],
};

// What the gradients mean, when all have come.
function ending() {
  const one = DATA.vertices.findIndex((v) => v.kind !== "op" && v.gradient !== undefined && !big(v.gradient));
  const meant = one < 0 ? null : word("end.meaning", { input: title(one), gradient: brief(DATA.vertices[one].gradient), name: DATA.name });
  const leaves = DATA.vertices.some((v) => v.kind === "leaf" && v.gradient !== undefined);
  const updated = DATA.steps.some((s) => s.kind === "update");
  return [
    element("p", {}, word("end.text")),
    meant && element("p", {}, meant),
    updated ? null : note(word(leaves ? "update unknown" : "nothing to update")),
  ];
}

const big = (number) => number !== null && number !== undefined && sizeOf(DATA.arrays[number]) > 1;
const term = (text, under, kind = "") =>
  element(`span.term${kind && `.${kind}`}`, {}, element("small", {}, under), element("span", {}, text));

// One argument of an operation that goes back: upstream × local = this, the formula, the sum if several add up.
function card(step, given, number, act) {
  const i = given.vertex,
    sent = given.part ?? given.given;
  const product =
    given.local !== null
      ? [
          term(brief(step.gradient), word("upstream")),
          element("span.op", {}, "×"),
          term(brief(given.local), word("local")),
          element("span.op", {}, "="),
          term(brief(sent), word("this"), "this"),
        ]
      : [term(brief(step.gradient), word("upstream")), element("span.op", {}, "→"), term(brief(sent), word("this"), "this")];
  const mixed = given.local === null && big(step.gradient);
  return element(
    `div.card${given.mark ? ".bad" : ""}`,
    {},
    element(
      "div.equation.up",
      {},
      fraction("∂L", `∂${title(i)}`),
      given.expected > 1 ? " += " : " = ",
      fraction("∂L", `∂${title(step.vertex)}`),
      " × ",
      fraction(`∂${title(step.vertex)}`, `∂${title(i)}`),
    ),
    element("div.product", {}, ...product),
    formulaOf(step, given, act),
    run.wrong ? null : chainOf(i, given),
    mixed ? note(word("mixed")) : null,
    given.mark ? element("p.mark", {}, inBoth(given.mark)) : null,
    ...(big(given.local) ? [figure(given.local, word("local derivative"))] : []),
    ...operands(given),
    ...(big(sent) ? [figure(sent, given.part === null ? partial(i) : word("goes back"), "up")] : []),
    given.part !== null ? note(word("broadcast", { shape: `(${DATA.arrays[given.given].shape.join(", ")})` })) : null,
    given.part !== null ? figure(given.given, partial(i), "up") : null,
    ...sumOf(given, number),
    tooLate(given, number),
    element("p.formula", {}, "→ ", link(i, act)),
  );
}

const fraction = (above, below) => element("span.fraction", {}, element("span", {}, above), element("span", {}, below));

// In the wrong order: what comes to an operation that has gone already is lost.
function tooLate(given, number) {
  const gone = run.backwardAt.get(given.vertex);
  if (!run.wrong || gone === undefined || gone >= number) return null;
  return element("p.mark", {}, word("wrong.late", { name: title(given.vertex), step: gone, part: brief(given.given) }));
}

// The product of all local derivatives from L to a value, if there is one way only, a short one of single numbers.
function chainOf(i, given) {
  const way = wayTo(i, run.contributions);
  if (
    way.length < 2 ||
    way.length > 8 ||
    !way.every((g) => g.expected === 1 && g.local !== null && !big(g.local) && !big(g.given))
  )
    return null;
  const factors = way.flatMap((g) => [" × ", term(brief(g.local), `∂${title(g.user)}/∂${title(g.vertex)}`)]);
  return element(
    "div.formula",
    {},
    `${word("whole way")}: `,
    element("div.product.chain", {}, term("1", "∂L/∂L"), ...factors, " = ", element("b.up", {}, brief(given.given))),
  );
}

function formulaOf(step, given, act) {
  const said = [];
  if ((given.formula.match(/\bg\b/) || []).length) said.push(["g", step.vertex, step.gradient, ""]);
  for (const [name, place, number, text] of given.words) said.push([name, place, number, text]);
  const where = said.flatMap(([name, place, number, text], k) => {
    const named = name === "g" ? partial(place) : place === null ? null : link(place, act);
    const value = text || brief(number);
    return [k ? ", " : "", element("code", {}, name), " = ", named, named && name !== "g" && title(place) === value ? "" : `${named ? " = " : ""}${value}`];
  });
  return element(
    "p.formula",
    {},
    `${word("formula")}: `,
    element("code", {}, given.formula),
    ...(where.length ? [` — ${word("where")} `, ...where] : []),
  );
}

// The arrays that a formula names: those that are seen nowhere else, and all where it is no product element by element.
const operands = (given) =>
  given.words
    .filter(([, place, number]) => big(number) && (given.local === null || place === null))
    .map(([name, place, number]) => figure(number, place === null ? name : `${name} = ${title(place)}`));

function sumOf(given, number) {
  if (given.expected < 2) return [];
  const parts = run.parts.get(given.vertex).slice(0, given.arrived),
    few = parts.length <= SUMMANDS ? parts.map((part) => brief(part.given)) : [brief(parts[parts.length - 2].total), brief(given.given)];
  return [
    element(
      "p",
      {},
      `${word("adds up", { i: given.arrived, n: given.expected })} ${word("adds up.sum")}: `,
      few.length > 1 ? `${few.join(" + ")} = ` : "",
      element("b.up", {}, brief(given.total)),
    ),
    ...(big(given.total) ? [figure(given.total, word("adds up.sum"), "up")] : []),
    ...(given.arrived === given.expected && !run.wrong ? [note(word("all arrived", { n: given.expected }))] : []),
  ];
}

// A node that was clicked.
function nodePanel(i, run, act) {
  const vertex = DATA.vertices[i],
    known = vertex.kind === "result" ? DATA.vertices[vertex.sources[0][0]] : vertex;
  const go = (key, step) => (step === undefined ? null : element("button", { click: () => act({ step }) }, word(key)));
  const forward = vertex.kind === "op" ? run.valueAt.get(i) : undefined;
  return [
    head(title(i), word(`kind.${vertex.kind}`)),
    element(
      "p",
      {},
      element("button", { click: () => act({ back: true }) }, word("back")),
      " ",
      go("go forward", forward),
      " ",
      go("go backward", run.backwardAt.get(i)),
    ),
    isKnown(run.valueAt.get(vertex.kind === "result" ? vertex.sources[0][0] : i)) ? figure(known.value, word("value")) : note(word("value later")),
    ...gradientNow(i, known),
    ...(vertex.kind === "op"
      ? [
          codeOf(vertex),
          savesOf(vertex),
          ...vertex.formulas.map(([a, text]) => element("p.formula", {}, `∂/∂${a}: `, element("code", {}, text))),
        ]
      : []),
    ...(vertex.kind === "op"
      ? [
          element(
            "p.formula",
            {},
            `${word("came in")}: `,
            ...vertex.sources.flatMap(([s, a], k) => [k ? ", " : "", `${a} = `, link(s, act)]),
          ),
        ]
      : []),
    vertex.gradient !== undefined ? element("p", {}, element("button", { click: () => act({ why: i }) }, word("why"))) : null,
  ];
}

const isKnown = (at) => at !== undefined && at <= state.step;

// The gradient of a node as far as it is known at this step.
function gradientNow(i, known) {
  if (known.gradient === undefined) {
    if (known.cut) return [element("p.mark", {}, word("detached", known.cut))];
    return DATA.obstacle || known.kind === "op" ? [] : [note(word("no gradient"))];
  }
  const place = DATA.vertices.indexOf(known),
    found = run.gradientOf(place, state.step);
  return [found === undefined ? note(word("gradient later")) : figure(found, partial(place), "up")];
}

// The way of the largest part of a gradient, from L to a value: the contributions along it.
function wayTo(i, contributions) {
  const way = [];
  while (DATA.toward[i] !== null) {
    const given = contributions[DATA.toward[i]];
    way.unshift(given);
    i = given.user;
  }
  return way;
}

// That a gradient shrinks on its way bit by bit, where no one operation is to blame.
function vanishing(way) {
  const [from, to] = [way[0], way[way.length - 1]].map((given) => Number(given.norm));
  return to < VANISHED * from ? word("why.vanishes", { from: numeral(from), to: numeral(to), n: way.length }) : null;
}

function pathPanel(i, run, act) {
  const way = wayTo(i, run.contributions);
  const vertex = DATA.vertices[i],
    nan = DATA.nan ? element("p.mark", {}, inBoth(DATA.nan)) : null;
  if (DATA.obstacle) return [note(inBoth(DATA.obstacle))];
  if (vertex.cut) return [element("p.mark", {}, word("detached", vertex.cut))];
  if (!way.length) return [note(word(vertex.gradient === undefined ? "no gradient" : "why.fine"))];
  const most = Math.max(...way.map((given) => Number(given.norm) || 0));
  const worst = Math.max(...way.map((given) => given.mark?.[2] ?? -1)),
    cause = way.find((given) => given.mark?.[2] === worst);
  const array = DATA.arrays[vertex.gradient],
    zeros = array.zeros ?? array.numbers.filter((x) => x === 0).length;
  const isZero = zeros === sizeOf(array);
  const items = way.map((given) => {
    const bar = element("span.bar");
    const size = Number(given.norm);
    bar.style.width = `${size > 0 && most > 0 ? Math.max(3, 70 + 5 * Math.log10(size / most)) : 1}px`;
    return element(
      "li",
      {},
      bar,
      element("code", {}, numeral(Number.isNaN(size) || !Number.isFinite(size) ? given.norm : size)),
      " ",
      element(
        "button.link",
        { click: () => act({ step: run.backwardAt.get(given.user) }) },
        `${title(given.user)} → ${title(given.vertex)}`,
      ),
      DATA.vertices[given.user].line ? ` (${DATA.vertices[given.user].line})` : "",
      given.mark
        ? element("div.mark", {}, `${given === cause ? `${word("why.cause")}: ` : ""}${inBoth(given.mark)}`)
        : null,
    );
  });
  return [
    nan,
    isZero ? null : element("p", {}, word("why.not", { zeros, size: sizeOf(array) })),
    note(word("why.text")),
    element("ol", {}, ...items),
    cause || nan ? null : note(vanishing(way) || word("why.fine")),
  ];
}
