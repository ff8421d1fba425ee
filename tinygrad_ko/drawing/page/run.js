// A run: the steps as they are shown, the right ones or those in the wrong order, and when each value and gradient is known.

function runOf({ wrong, twice }) {
  const made = {
    wrong,
    twice,
    valueAt: new Map(),
    given: new Map(),
    givenAt: new Map(),
    gradientAt: new Map(),
    backwardAt: new Map(),
    parts: new Map(), // of each value the contributions to its gradient, in order of time
  };
  const right = DATA.steps.filter((s) => s.kind === "backward"),
    update = DATA.steps.find((s) => s.kind === "update");
  const sources = DATA.vertices.map((v, i) => i).filter((i) => !["op", "result"].includes(DATA.vertices[i].kind));
  const ends = sources.filter((i) => DATA.vertices[i].gradient !== undefined);
  made.contributions = right.flatMap((s) => s.given);
  // A local derivative does not depend on the order.
  const known = new Map(made.contributions.map((given) => [`${given.user} ${given.argument}`, given]));
  const explained = (step) => ({
    ...step,
    given: step.given.map((given) => ({ ...known.get(`${given.user} ${given.argument}`), ...given, mark: null })),
  });
  made.steps = [
    { kind: "start" },
    ...DATA.steps.filter((s) => s.kind === "forward" || s.kind === "seed"),
    ...(wrong ? DATA.wrong.map(explained) : right),
  ];
  sources.forEach((i) => made.valueAt.set(i, 0));
  made.steps.forEach((step, at) => {
    if (step.kind === "forward") made.valueAt.set(step.vertex, at);
    if (step.kind === "seed") (Object.assign(made, { seeded: step, seededAt: at }), made.gradientAt.set(step.vertex, at));
    if (step.kind !== "backward") return;
    made.firstBackward ??= at;
    step.empty = step.missing > 0 && !made.parts.has(step.vertex);
    made.backwardAt.set(step.vertex, at);
    for (const given of step.given) {
      made.given.set(`${step.vertex} ${given.argument}`, given);
      made.givenAt.set(given, at);
      made.gradientAt.set(given.vertex, at);
      if (!made.parts.has(given.vertex)) made.parts.set(given.vertex, []);
      made.parts.get(given.vertex).push(given);
    }
  });
  // The gradient of a value as far as it is known after a step; undefined before any part of it has come.
  made.gradientOf = (i, at = Infinity) => {
    const came = (made.parts.get(i) || []).filter((given) => made.givenAt.get(given) <= at);
    if (came.length) return came[came.length - 1].total;
    return made.seeded && made.seeded.vertex === i && made.seededAt <= at ? made.seeded.gradient : undefined;
  };
  // In the wrong order: the steps that went before their gradient was complete.
  made.early = made.steps.map((step, at) => [step, at]).filter(([step]) => step.missing);
  const last = made.steps.length - 1;
  made.isLastBackward = (at) => !wrong && at === last && made.seeded !== undefined;
  if (wrong && made.seeded)
    made.steps.push({ kind: "verdict", ends: ends.map((i) => [i, made.gradientOf(i), DATA.vertices[i].gradient]) });
  else if (twice && made.seeded) made.steps.push({ kind: "twice", leaves: DATA.twice });
  if (update && !wrong) made.steps.push(update);
  return made;
}
