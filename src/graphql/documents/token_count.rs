//! Measures a document before it is parsed: the parser recurses at each bracket, and enough brackets would overflow its
//! stack, which aborts the process.

use apollo_parser::{Lexer, TokenKind};

/// The size of a text that may or may not be GraphQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::graphql) struct TokenCount {
    /// Lexical tokens, without white space, commas and comments.
    pub(in crate::graphql) tokens: usize,
    /// The most brackets of any kind that are open at once.
    pub(in crate::graphql) nesting: usize,
}

impl TokenCount {
    pub(in crate::graphql) fn of(document: &str) -> Self {
        let mut count = Self::default();
        let mut open = 0_usize;
        for token in Lexer::new(document) {
            match token.map(|token| token.kind()) {
                Ok(TokenKind::Whitespace | TokenKind::Comment | TokenKind::Comma | TokenKind::Eof) => continue,
                Ok(TokenKind::LCurly | TokenKind::LBracket | TokenKind::LParen) => open += 1,
                Ok(TokenKind::RCurly | TokenKind::RBracket | TokenKind::RParen) => open = open.saturating_sub(1),
                _ => {}
            }
            count.tokens += 1;
            count.nesting = count.nesting.max(open);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(document: &str) -> (usize, usize) {
        let TokenCount { tokens, nesting } = TokenCount::of(document);
        (tokens, nesting)
    }

    #[test]
    fn tokens_and_brackets_are_counted() {
        assert_eq!(count("{ me { id } }"), (6, 2));
        assert_eq!(count("query Q($a: [Int!] = [1, -2]) { a: task(id: $a) @skip(if: true) { ...F } }"), (38, 2));
        assert_eq!(count("{ a(b: {c: [1]}) }"), (14, 4));
        assert_eq!(count(""), (0, 0));
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        assert_eq!(count(r#"{ a(b: "[[\"[[\\") }"#), (8, 2));
        assert_eq!(count("{ a(b: \"\"\"[[ \" \\\"\"\" [[\"\"\") }"), (8, 2));
        assert_eq!(count("{ a # [[[\n [ }"), (4, 2));
    }

    #[test]
    fn unterminated_text_is_counted_in_linear_time() {
        TokenCount::of(&r#"""\"""#.repeat(20_000));
        TokenCount::of(&"\"".repeat(60_000));
    }
}
