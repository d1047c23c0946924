//! Where a text stops being JSON, in the words of CPython's parser: clients of the older backends were shown those.
//!
//! Only bodies that the real parser has refused come here.

/// How deep it looks. The real parser goes no deeper either.
const MAX_DEPTH: usize = 128;

type Scan<T = ()> = Result<T, (usize, &'static str)>;

/// The character at which the text is no longer JSON, and why. What CPython would have read is refused as a whole.
pub(super) fn flaw(body: &[u8]) -> (usize, &'static str) {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(error) => {
            let readable = body.get(..error.valid_up_to()).unwrap_or_default();
            return (String::from_utf8_lossy(readable).chars().count(), "Invalid UTF-8");
        }
    };
    let mut scanner = Scanner { text: text.chars().collect(), at: 0 };
    scanner.document().err().unwrap_or((0, "Expecting value"))
}

struct Scanner {
    text: Vec<char>,
    at: usize,
}

impl Scanner {
    fn document(&mut self) -> Scan {
        self.space();
        self.value(0)?;
        self.space();
        if self.at < self.text.len() { self.fail("Extra data") } else { Ok(()) }
    }

    fn value(&mut self, depth: usize) -> Scan {
        match self.peek() {
            Some('"') => self.string(),
            Some('{') if depth < MAX_DEPTH => self.members('}', depth, Self::member),
            Some('[') if depth < MAX_DEPTH => self.members(']', depth, Self::value),
            Some('-' | '0'..='9') => self.number(),
            _ => self.word(),
        }
    }

    /// What stands between brackets, separated by commas.
    fn members(&mut self, close: char, depth: usize, one: fn(&mut Self, usize) -> Scan) -> Scan {
        self.at += 1;
        self.space();
        if self.take(close) {
            return Ok(());
        }
        loop {
            one(self, depth + 1)?;
            self.space();
            if self.take(close) {
                return Ok(());
            }
            if !self.take(',') {
                return self.fail("Expecting ',' delimiter");
            }
            self.space();
        }
    }

    fn member(&mut self, depth: usize) -> Scan {
        if self.peek() != Some('"') {
            return self.fail("Expecting property name enclosed in double quotes");
        }
        self.string()?;
        self.space();
        if !self.take(':') {
            return self.fail("Expecting ':' delimiter");
        }
        self.space();
        self.value(depth)
    }

    fn string(&mut self) -> Scan {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err((start, "Unterminated string starting at")),
                Some('"') => break,
                Some('\\') => self.escape(start)?,
                Some('\0'..='\x1f') => return self.fail("Invalid control character at"),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self, string_start: usize) -> Scan {
        match self.text.get(self.at + 1) {
            None => return Err((string_start, "Unterminated string starting at")),
            Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => self.at += 2,
            Some('u') => {
                let digits = self.text.get(self.at + 2..self.at + 6).unwrap_or_default();
                // CPython wants to see something behind the digits, too.
                let is_whole = digits.len() == 4 && self.at + 6 < self.text.len();
                if !is_whole || !digits.iter().all(char::is_ascii_hexdigit) {
                    return Err((self.at + 1, "Invalid \\uXXXX escape"));
                }
                self.at += 6;
            }
            Some(_) => return self.fail("Invalid \\escape"),
        }
        Ok(())
    }

    fn number(&mut self) -> Scan {
        let start = self.at;
        self.take('-');
        if !self.take('0') && self.digits() == 0 {
            return Err((start, "Expecting value"));
        }
        self.optional(|scanner| scanner.take('.') && scanner.digits() > 0);
        self.optional(|scanner| {
            let is_exponent = scanner.take('e') || scanner.take('E');
            let _ = is_exponent && (scanner.take('+') || scanner.take('-'));
            is_exponent && scanner.digits() > 0
        });
        Ok(())
    }

    fn word(&mut self) -> Scan {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_next = |word: &&str| word.chars().enumerate().all(|(index, c)| rest.get(index) == Some(&c));
        match ["true", "false", "null"].into_iter().find(is_next) {
            Some(word) => self.at += word.len(),
            None => return self.fail("Expecting value"),
        }
        Ok(())
    }

    /// Goes back to where it was when the part is not there.
    fn optional(&mut self, part: impl FnOnce(&mut Self) -> bool) {
        let start = self.at;
        if !part(self) {
            self.at = start;
        }
    }

    fn digits(&mut self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn fail<T>(&self, why: &'static str) -> Scan<T> {
        Err((self.at, why))
    }
}
