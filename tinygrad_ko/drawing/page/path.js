// Why is this gradient 0? The way that a gradient comes, and what is wrong on it.

const VANISHED = 1e-4; // so small a part of a gradient is nearly nothing

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
        `${fullTitle(given.user)} → ${title(given.vertex)}`,
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
