//! Messages of PostgreSQL's protocol: a letter, the length of what follows with the length itself, and the rest.

/// Where a message's length ends.
const HEADER: usize = 5;

/// The bytes of a message, with its header.
#[derive(Clone, Copy)]
pub(in crate::store::connection::wire) struct Message<'a>(&'a [u8]);

impl<'a> Message<'a> {
    /// The first message of these bytes, and what is behind it; nothing if it isn't whole.
    pub(in crate::store::connection::wire) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length = bytes.get(1..)?.first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (message, rest) = bytes.split_at_checked(length.checked_add(1)?.max(HEADER))?;
        Some((Self(message), rest))
    }

    /// All messages of these bytes that are whole.
    pub(in crate::store::connection::wire) fn all(mut bytes: &'a [u8]) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            let (message, rest) = Self::split(bytes)?;
            bytes = rest;
            Some(message)
        })
    }

    /// Which message it is.
    pub(in crate::store::connection::wire) fn tag(self) -> u8 {
        self.0.first().copied().unwrap_or_default()
    }

    pub(in crate::store::connection::wire) fn bytes(self) -> &'a [u8] {
        self.0
    }
}
