// What an operation gives back to one of its arguments: upstream × local = this, with its formula, its numbers and the sum.

const SUMMANDS = 6; // that are written one by one

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
    given.worked ? element("p.formula", {}, `${word("worked")}: ${given.worked}`) : mixed ? note(word("mixed")) : null,
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
