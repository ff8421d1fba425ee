// Numbers and arrays: in few words, as a table whose cells are coloured, or as a heat map with its scale.

const TABLE = 8; // rows and columns that are still read one by one

// A number with five significant digits. What JSON has no number for (NaN, Infinity) is text.
function numeral(x) {
  if (typeof x === "string") return x === "nan" ? "NaN" : x.replace("inf", "∞").replace("-", "−");
  let text = String(x);
  if (!Number.isInteger(x) || Math.abs(x) >= 1e7) {
    text = Number(x.toPrecision(5)).toString();
    if (Math.abs(x) < 1e-4 || Math.abs(x) >= 1e7)
      text = x
        .toExponential(3)
        .replace(/\.?0+e/, "e")
        .replace("e+", "e");
  }
  return text === "0" ? "0" : text.replaceAll("-", "−");
}

const sizeOf = (array) => array.shape.reduce((a, b) => a * b, 1);
const shapeOf = (array) => (array.shape.length ? array.shape.join("×") : "");

// An array in few words: its number or numbers, else its shape.
function brief(number) {
  if (number === null || number === undefined) return "?";
  const array = DATA.arrays[number];
  if (sizeOf(array) === 1) return numeral(array.numbers[0]);
  return sizeOf(array) <= 3 && array.shape.length === 1 ? `[${array.numbers.map(numeral).join(", ")}]` : `[${shapeOf(array)}]`;
}

// Rows, columns, and the number at a place of an array as a matrix; the images of a batch side by side, their channels one below the other.
function matrix(array) {
  const shape = array.shape;
  if (array.map) {
    const bytes = Uint8Array.from(atob(array.map), (c) => c.charCodeAt(0));
    const at = (i, j) => (bytes[i * array.columns + j] ? ((bytes[i * array.columns + j] - 128) / 127) * array.limit : NaN);
    return { rows: array.rows, columns: array.columns, at };
  }
  const value = (k) => (typeof array.numbers[k] === "string" ? NaN : array.numbers[k]);
  if (shape.length === 4) {
    const [n, channels, height, width] = shape;
    const place = (i, j) =>
      ((Math.floor(j / width) * channels + Math.floor(i / height)) * height + (i % height)) * width + (j % width);
    return { rows: channels * height, columns: n * width, at: (i, j) => value(place(i, j)), place };
  }
  const columns = shape.length ? shape[shape.length - 1] : 1;
  const place = (i, j) => i * columns + j;
  return { rows: columns ? sizeOf(array) / columns : 0, columns, at: (i, j) => value(place(i, j)), place };
}

function limitOf(array) {
  if (array.map) return array.limit;
  return array.numbers.reduce((most, x) => (typeof x === "string" ? most : Math.max(most, Math.abs(x))), 0);
}

// Blue below 0, orange above, the page's own colour at 0; what is no number is magenta.
function colour(x, limit) {
  if (Number.isNaN(x)) return [214, 0, 160];
  const dark = document.documentElement.dataset.theme === "dark";
  const zero = dark ? [30, 34, 42] : [255, 255, 255];
  const end = x < 0 ? (dark ? [90, 170, 245] : [20, 90, 170]) : dark ? [255, 150, 70] : [190, 75, 5];
  const t = limit ? Math.min(1, Math.abs(x) / limit) : 0;
  return zero.map((c, i) => Math.round(c + (end[i] - c) * t));
}

function statistics(array) {
  const told = [["mean", "std", "smallest", "largest"], array.statistics];
  const said = told[0].map((key, i) => `${word(key)} ${numeral(told[1][i])}`);
  said.push(`${word("zeros")} ${array.zeros.toLocaleString()}`);
  if (array.nan) said.push(`NaN ${array.nan}`);
  if (array.infinite) said.push(`∞ ${array.infinite}`);
  return said.join(" · ");
}

// A figure of an array, for the panel; `kind` colours its caption ("val" or "up").
function figure(number, caption, kind = "val") {
  if (number === null || number === undefined)
    return element("figure", {}, element("figcaption", {}, caption, " — ", word("not seen")));
  const array = DATA.arrays[number];
  const shape = shapeOf(array);
  const head = element("figcaption", {}, element(`b.${kind}`, {}, caption), shape ? ` ${shape} ${array.dtype}` : "");
  if (sizeOf(array) === 1) return element("figure", {}, head, element(`span.sum.${kind}`, {}, numeral(array.numbers[0])));
  if (sizeOf(array) === 0) return element("figure", {}, head, "[]");
  const cells = matrix(array),
    limit = limitOf(array);
  const readable = cells.rows <= TABLE && cells.columns <= TABLE;
  const shown = readable ? table(array, cells, limit) : heatMap(array, cells, limit, caption);
  return element("figure", {}, head, ...shown, limit ? scale(limit) : null);
}

function table(array, cells, limit) {
  const rows = Array.from({ length: cells.rows }, (_, i) => {
    const row = Array.from({ length: cells.columns }, (_, j) => {
      const [r, g, b] = colour(cells.at(i, j), limit);
      const cell = element("td", {}, numeral(array.numbers[cells.place(i, j)]));
      cell.style.backgroundColor = `rgb(${r},${g},${b})`;
      cell.style.color = r * 0.3 + g * 0.59 + b * 0.11 > 140 ? "#111" : "#fff";
      return cell;
    });
    return element("tr", {}, ...row);
  });
  return [element("table", {}, element("tbody", {}, ...rows))];
}

function heatMap(array, cells, limit, caption) {
  const said = array.map
    ? statistics(array)
    : `${word("smallest")} ${numeral(least(array, Math.min))} · ${word("largest")} ${numeral(least(array, Math.max))}`;
  const canvas = painted(cells.columns, cells.rows, (i, j) => colour(cells.at(i, j), limit));
  const size = Math.max(1, Math.min(12, Math.floor(Math.min(300 / cells.columns, 170 / cells.rows))));
  canvas.style.width = `${Math.min(300, cells.columns * size)}px`;
  canvas.style.height = `${Math.min(300, cells.rows * size)}px`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${caption} ${shapeOf(array)}. ${said}`);
  const blocks = array.map && cells.rows * cells.columns < sizeOf(array) ? ` (${word("shown as map")})` : "";
  const about = (x) => `≈ ${numeral(Number(x.toPrecision(2)))}${blocks}`; // a map has one byte for a cell
  const pointed = element("span.pointed", {}, said);
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const j = Math.min(cells.columns - 1, Math.floor(((event.clientX - box.left) / box.width) * cells.columns));
    const i = Math.min(cells.rows - 1, Math.floor(((event.clientY - box.top) / box.height) * cells.rows));
    pointed.textContent = `[${i}, ${j}] ${array.map ? about(cells.at(i, j)) : numeral(array.numbers[cells.place(i, j)])}`;
  });
  canvas.addEventListener("pointerleave", () => (pointed.textContent = said));
  return [canvas, pointed];
}

const least = (array, choose) => array.numbers.reduce((a, x) => (typeof x === "string" ? a : choose(a, x)), choose());

// A canvas with one pixel for each cell.
function painted(columns, rows, colourAt) {
  const canvas = element("canvas", { width: columns, height: rows });
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let i = 0, k = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, k += 4) image.data.set([...colourAt(i, j), 255], k);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function scale(limit) {
  const canvas = painted(41, 1, (_, j) => colour((j - 20) / 20, 1));
  canvas.setAttribute("aria-hidden", "true");
  const end = Number(limit.toPrecision(3));
  return element("span.scale", {}, numeral(-end), canvas, numeral(end));
}
