// Differences from graphql-js that stay, because of a library: why, how to tell one, and a request that shows it. The test
// fails when that request no longer differs. docs/GRAPHQL.md lists them, too.

export const KNOWN = [
  {
    why: "apollo-parser does not skip commas behind `...`",
    kind: /^not parsed: commas$/,
    example: { query: "{ ..., { __typename } }", style: "commas" },
  },
  {
    why: "apollo-parser does not read descriptions of operations, fragments and variables, which are new in September 2025",
    // A variable's default whose variable was left out describes the next variable.
    kind: /^not parsed: (described|token left out)$/,
    example: { query: '"""described""" query { __typename }', style: "described" },
  },
  {
    why: "apollo-parser skips a name too many in arguments, and between definitions",
    kind: /^(accepted: parse,|\w+ instead of parse:) (token twice|stray token|stray characters|token left out)$/,
    example: { query: "{ me @skip(if if: false) { id } }", style: "token twice" },
  },
  {
    why: "async-graphql has its own answers about the schema: a description, Float, null for no interfaces",
    kind: /^introspection: /,
    example: { query: "{ __schema { description } }", style: "plain" },
  },
  {
    why: "graphql-js fails where a condition is null; the specification takes it for not true",
    kind: /^null for @skip or @include$/,
    example: {
      query: "query ($if: Boolean = true) { me { id @skip(if: $if) } }",
      variables: '{"if":null}',
      style: "plain",
    },
  },
];
