// A document's text, written in other ways that mean the same, and damaged in ways that don't.

import { Kind, Lexer, Source, TokenKind, parseValue } from "graphql";
import { printBlockString } from "graphql/language/blockString.js";

/** The text cut into its tokens; nothing where it can't be. */
export function tokens(text) {
  const lexer = new Lexer(new Source(text));
  const found = [];
  try {
    let end = 0;
    for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
      found.push({ ...token, text: text.slice(token.start, token.end), hasGap: token.start > end });
      end = token.end;
    }
  } catch {
    return undefined;
  }
  return found;
}

const spaces = (r) => r.pick([" ", "\n", "\t", "\n\n"]);

/** Ways to write the same document, each with what it puts where the text has a gap, or between any two tokens. */
const STYLES = {
  spaces: { gap: spaces },
  "line ends": { gap: (r) => r.pick(["\r\n", "\r"]) },
  commas: { gap: (r) => r.pick([",", " , ", ",\n,"]) },
  comments: { gap: () => " # a { comment\n", end: "# last" },
  "comments ended by CR": { gap: () => "# a { comment\r" },
  apart: { between: spaces },
  described: { start: '"""described"""\n' },
  "byte order mark": { start: "\ufeff" },
  "byte order marks inside": { gap: () => " \ufeff " },
  escapes: { spell: (token, r) => `"${[...token.value].map((one) => escaped(one, r)).join("")}"` },
  "escapes in braces": {
    spell: (token) => `"${[...token.value].map((one) => `\\u{${one.codePointAt(0).toString(16)}}`).join("")}"`,
  },
  blocks: { spell: (token) => printBlockString(token.value) },
  "indented blocks": {
    spell: ({ value }) => `"""\n    ${value.replaceAll('"""', '\\"""').split("\n").join("\n    ")}\n  """`,
  },
};

/** The same document in another style, and what the style is called. */
export function dress(text, r) {
  const style = r.pick(Object.keys(STYLES));
  const { gap = () => " ", between = () => "", start = "", end = "", spell } = STYLES[style];
  const written = tokens(text).map((token, index) => {
    const spelt = spell && isString(token) ? respell(token, spell(token, r)) : token.text;
    return (index === 0 ? "" : token.hasGap ? gap(r) : between(r)) + spelt;
  });
  return { style, text: start + written.join("") + end };
}

const isString = ({ kind }) => kind === TokenKind.STRING || kind === TokenKind.BLOCK_STRING;

/** The spelling, unless it would mean something else. */
function respell(token, spelling) {
  return meaning(spelling) === token.value ? spelling : token.text;
}

const SHORT = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f", "/": "\\/" };

function escaped(character, r) {
  const code = character.codePointAt(0);
  const four = [...character.split("")]
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
  const isPlain = code >= 0x20 && !'"\\'.includes(character);
  if (isPlain && r.chance(0.7)) return character;
  return r.pick([four, SHORT[character] ?? four]);
}

function meaning(text) {
  try {
    const node = parseValue(text, { noLocation: true });
    return node.kind === Kind.STRING ? node.value : undefined;
  } catch {
    return undefined;
  }
}

const STRAY = [
  "{",
  "}",
  "(",
  ")",
  "[",
  "]",
  ":",
  "!",
  "=",
  "@",
  "$",
  "|",
  "&",
  "...",
  "..",
  "on",
  "fragment",
  "query",
  "null",
];
const LEXEMES = [
  '"',
  '"""',
  '"\\x"',
  '"\\uD83D"',
  '"\\u{110000}"',
  '"\\u12"',
  "01",
  "1.",
  ".5",
  "1e",
  "1a",
  "-",
  "+1",
  "0x1",
  "?",
  "%",
  "\\",
  "'a'",
  "\u0000",
  "\u200b",
  "é",
  "“",
  "1.5e+3",
  "-0",
  "$",
  "@",
  "#",
];
const SNIPPETS = [
  "{ }",
  "()",
  "query",
  "query Q",
  "fragment on on Task { id }",
  "fragment F { id }",
  "{ me { id } } extra",
  "query ($a: Int = $b) { __typename }",
  "query ($a: [ Int ]) { __typename }",
  "query ($a: Int!!) { __typename }",
  "{ a: b: __typename }",
  "{ ... on { id } }",
  "{ ... @include(if: true) { __typename } }",
  "{ task(id: true) }",
  "{ true }",
  "{ null: __typename }",
  "{ on: __typename }",
  "fragment F($a: Int = 1) on Query { __typename }",
  "query @skip { __typename }",
  "",
  "   ",
  "#",
  "null",
  "[]",
];

/** Damages, most of which leave no document. Each takes the text, its tokens, and a place among them. */
const DAMAGES = {
  "token left out": ({ texts, at }) => replaced(texts, at, 1),
  "stray token": ({ texts, at, r }) => replaced(texts, at, r.int(0, 1), r.pick(STRAY)),
  "strange lexeme": ({ texts, at, r }) => replaced(texts, at, 1, r.pick(LEXEMES)),
  "token twice": ({ texts, at }) => replaced(texts, at, 0, texts[at]),
  "end missing": ({ texts, at }) => texts.slice(0, at).join(" "),
  "stray characters": ({ text, r }) => insertCharacters(text, r),
  "other leaf": ({ texts, all, r }) => swapLeaf(texts, all, r),
  snippet: ({ r }) => r.pick(SNIPPETS),
  "snippet behind": ({ text, r }) => `${text} ${r.pick(SNIPPETS)}`,
};

/** Damages a document, and says how. */
export function damage(text, r) {
  const all = tokens(text);
  const texts = all.map((token) => token.text);
  const style = r.pick(Object.keys(DAMAGES));
  return { style, text: DAMAGES[style]({ text, all, texts, at: r.int(0, all.length - 1), r }) };
}

function replaced(texts, at, count, ...others) {
  return [...texts.slice(0, at), ...others, ...texts.slice(at + count)].join(" ");
}

function insertCharacters(text, r) {
  const at = r.int(0, text.length);
  return text.slice(0, at) + r.pick([...STRAY, ...LEXEMES]) + text.slice(at);
}

/** A number or string in another spelling: most are values still. */
function swapLeaf(texts, all, r) {
  const leaves = all.flatMap(({ kind }, index) => (["Int", "Float", "String"].includes(kind) ? [index] : []));
  if (leaves.length === 0) return texts.join(" ");
  const others = [
    "-0",
    "00",
    "1e0",
    "1.0",
    "-7",
    "0",
    "99999999999999999999",
    "1E5",
    '""',
    '""""""',
    '"\\u0041"',
    '"\\uD83D\\uDE00"',
    '"\\u{1F41D}"',
    '"\\b\\f\\/"',
    '"""a \\""" b"""',
    '"""\n  x\n    y\n"""',
    '"a\nb"',
    '"tab\t"',
  ];
  return replaced(texts, r.pick(leaves), 1, r.pick(others));
}
