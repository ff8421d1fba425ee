// What is said of a step and of a node.

const partial = (i) => `∂L/∂${title(i)}`;
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
function fullTitle(i) {
  const { op, title: own } = DATA.vertices[i];
  return own.split(" ")[0] === op ? title(i) : `${title(i)} (${op})`;
}

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
