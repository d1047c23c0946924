//! How urgent a task is.

/// A priority. Greater ones are more urgent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// No priority.
    #[default]
    None,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// The highest.
    Urgent,
}

impl Priority {
    /// All of them, by level.
    pub const ALL: [Self; 5] = [Self::None, Self::Low, Self::Medium, Self::High, Self::Urgent];
    /// Their words, by level.
    pub const WORDS: [&str; 5] = ["none", "low", "medium", "high", "urgent"];

    /// 0 for none, up to 4.
    #[must_use]
    pub const fn level(self) -> i16 {
        self as i16
    }

    /// The priority with this level.
    #[must_use]
    pub fn of_level(level: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.level() == level)
    }

    /// Its word in lower case.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// The priority with this word, in any case.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.word().eq_ignore_ascii_case(word))
    }
}
