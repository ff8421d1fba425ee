// Words in two languages, and elements made of text: whatever a user has named is text here, never markup.

const WORDS = JSON.parse(document.getElementById("words").textContent);
const DATA = JSON.parse(document.getElementById("data").textContent);
const TERMS = [
  ["기울기", "변화도"],
  ["계층", "층"],
];
const byId = (id) => document.getElementById(id);

let language = DATA.language || ((navigator.language || "").startsWith("ko") ? "ko" : "en");
let otherTerms = false;

// The words for a key, with {name} filled in.
function word(key, filled = {}) {
  let text = WORDS[language][key] ?? key;
  if (language === "ko" && otherTerms) for (const [one, other] of TERMS) text = text.replaceAll(one, other);
  return text.replace(/\{(\w+)\}/g, (_, name) => filled[name]);
}

// What is said in English and in Korean, in the language of the reader.
const inBoth = ([english, korean]) => (language === "ko" ? korean : english);

// What a vertex is called; an operation that no variable is called after, in the reader's words.
function title(i) {
  const vertex = DATA.vertices[i],
    own = vertex.op && vertex.title.match(/^(\w+?)( \d+)?$/);
  return own && own[1] === vertex.op && WORDS.en[`op.${vertex.op}`] ? word(`op.${vertex.op}`) + (own[2] || "") : vertex.title;
}

// An element: its tag with classes ("p.note"), its attributes (a function listens), its children.
function element(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return furnished(document.createElement(name), classes, attributes, children);
}

function drawn(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return furnished(document.createElementNS("http://www.w3.org/2000/svg", name), classes, attributes, children);
}

function furnished(made, classes, attributes, children) {
  if (classes.length) made.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}
