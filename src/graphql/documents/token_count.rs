//! The outline of a document, taken before it is parsed: the parser calls itself at each bracket, and enough brackets
//! would use up its thread's stack, which ends the process.

/// How large a document is, counted in its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::graphql) struct TokenCount {
    /// How many words, numbers, strings and signs it has.
    pub(in crate::graphql) tokens: usize,
    /// How many brackets of any kind are open at once.
    pub(in crate::graphql) nesting: usize,
}

impl TokenCount {
    /// Of any text, GraphQL or not. Where the text is broken, rather too much is counted than too little.
    pub(in crate::graphql) fn of(document: &str) -> Self {
        let mut shape = Self::default();
        let mut open = 0_usize;
        let mut rest = document.as_bytes();
        let mut has_blocks = true;
        while let [first, ..] = rest {
            match first {
                b'{' | b'[' | b'(' => open += 1,
                b'}' | b']' | b')' => open = open.saturating_sub(1),
                _ => {}
            }
            shape.nesting = shape.nesting.max(open);
            shape.tokens += usize::from(!is_ignored(*first));
            rest = rest.get(length(rest, &mut has_blocks)..).unwrap_or_default();
        }
        shape
    }
}

const fn is_ignored(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b'#')
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+')
}

/// How many bytes the first token or ignored part has.
fn length(text: &[u8], has_blocks: &mut bool) -> usize {
    let run = |belongs: fn(u8) -> bool| text.iter().take_while(|byte| belongs(**byte)).count();
    match text.first() {
        Some(b'#') => run(|byte| !matches!(byte, b'\n' | b'\r')),
        Some(b'"') => string(text, has_blocks),
        Some(b'.') => run(|byte| byte == b'.').min(3),
        Some(byte) if is_word(*byte) => run(is_word),
        _ => 1,
    }
}

/// A block string without an end is read as the parser does: as an empty string and what follows. One such is enough
/// to know that no later one ends either, and not to look again.
fn string(text: &[u8], has_blocks: &mut bool) -> usize {
    if *has_blocks && text.starts_with(BLOCK) {
        match block_end(text) {
            Some(end) => return end,
            None => *has_blocks = false,
        }
    }
    let mut index = 1;
    while let Some(byte) = text.get(index) {
        match byte {
            b'"' => return index + 1,
            b'\n' | b'\r' => return index,
            b'\\' => index += 2,
            _ => index += 1,
        }
    }
    text.len()
}

const BLOCK: &[u8] = b"\"\"\"";

fn block_end(text: &[u8]) -> Option<usize> {
    let mut index = BLOCK.len();
    while let Some(rest) = text.get(index..).filter(|rest| rest.len() >= BLOCK.len()) {
        if rest.starts_with(BLOCK) {
            return Some(index + BLOCK.len());
        }
        index += if rest.starts_with(b"\\\"\"\"") { BLOCK.len() + 1 } else { 1 };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(document: &str) -> (usize, usize) {
        let TokenCount { tokens, nesting } = TokenCount::of(document);
        (tokens, nesting)
    }

    #[test]
    fn tokens_and_brackets_are_counted() {
        assert_eq!(shape("{ me { id } }"), (6, 2));
        assert_eq!(shape("query Q($a: [Int!] = [1, -2]) { a: task(id: $a) @skip(if: true) { ...F } }"), (38, 2));
        assert_eq!(shape("{ a(b: {c: [1]}) }"), (14, 4));
        assert_eq!(shape(""), (0, 0));
    }

    #[test]
    fn brackets_in_strings_and_comments_are_text() {
        assert_eq!(shape(r#"{ a(b: "[[\"[[\\") }"#), (8, 2));
        assert_eq!(shape("{ a(b: \"\"\"[[ \" \\\"\"\" [[\"\"\") }"), (8, 2));
        assert_eq!(shape("{ a # [[[\n [ }"), (4, 2));
        assert_eq!(shape(r#"["" [ """" ["#), (6, 3));
    }

    #[test]
    fn what_the_parser_reads_after_a_broken_string_is_counted() {
        assert_eq!(TokenCount::of(r#"["""a" [[["#).nesting, 4);
        assert_eq!(TokenCount::of("[\"a\n[[[").nesting, 4);
        assert_eq!(TokenCount::of(r#"["\"#).nesting, 1);
        assert_eq!(TokenCount::of(&r#"""\"""#.repeat(20_000)).nesting, 0);
    }
}
