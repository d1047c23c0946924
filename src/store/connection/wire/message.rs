//! Messages of PostgreSQL's protocol: a letter, the length of what follows with the length itself, and the rest.

/// Where a message's length ends.
const HEADER: usize = 5;

/// The bytes of a message, with its header.
#[derive(Clone, Copy)]
pub(super) struct Message<'a>(&'a [u8]);

impl<'a> Message<'a> {
    /// The first message of these bytes, and what is behind it; nothing if it isn't whole.
    pub(super) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length = bytes.get(1..)?.first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (message, rest) = bytes.split_at_checked(length.checked_add(1)?.max(HEADER))?;
        Some((Self(message), rest))
    }

    /// Which message it is.
    pub(super) fn tag(self) -> u8 {
        self.0.first().copied().unwrap_or_default()
    }

    /// The two texts that the message begins with.
    pub(super) fn texts(self) -> Option<(&'a [u8], &'a [u8])> {
        let mut texts = self.0.get(HEADER..)?.splitn(3, |byte| *byte == 0);
        let (first, second) = (texts.next()?, texts.next()?);
        texts.next().map(|_| (first, second))
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.0
    }
}

/// What the tests of this room write and read.
#[cfg(test)]
pub(super) mod example {
    use super::Message;

    pub(in super::super) fn message(tag: char, body: &str) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[u8::try_from(tag).unwrap()][..], &length, body.as_bytes()].concat()
    }

    /// A statement that is executed under its name.
    pub(in super::super) fn executed(name: &str) -> Vec<u8> {
        [message('B', &format!("\0{name}\0")), message('E', "\0\0\0\0\0"), message('S', "")].concat()
    }

    /// A statement without a name.
    pub(in super::super) fn unnamed(sql: &str) -> Vec<u8> {
        [message('P', &format!("\0{sql}\0\0\0")), message('D', "S\0"), executed("")].concat()
    }

    pub(in super::super) fn tags(mut bytes: &[u8]) -> String {
        let mut tags = String::new();
        while let Some((message, rest)) = Message::split(bytes) {
            tags.push(message.tag().into());
            bytes = rest;
        }
        tags
    }
}
