//! What goes to the server.

use std::collections::VecDeque;

use super::message::Message;

const EXECUTE: u8 = b'E';
const QUERY: u8 = b'Q';
const SYNC: u8 = b'S';

/// How many Syncs of those that were written together are sent: the last one, and the one in front of the last statement.
const KEPT: usize = 2;

/// The end of the answer to a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The server says that it is ready.
    Ready,
    /// The server goes on with the next statement.
    Joined,
}

/// Passes on what was written, whole messages, without the Syncs that can be left out; and notes how each answer will end.
pub(super) fn join(written: &[u8], ends: &mut VecDeque<End>, to_server: &mut impl Extend<u8>) {
    let mut left_out = superfluous_syncs(written);
    for message in Message::all(written) {
        if message.tag() == SYNC && left_out > 0 {
            left_out -= 1;
            ends.push_back(End::Joined);
            continue;
        }
        if matches!(message.tag(), SYNC | QUERY) {
            ends.push_back(End::Ready);
        }
        to_server.extend(message.bytes().iter().copied());
    }
}

/// How many Syncs can be left out: only between statements that each are executed once, at their end, because that is how
/// the end of an answer without a Sync is recognized.
fn superfluous_syncs(written: &[u8]) -> usize {
    let (mut syncs, mut executed) = (0_usize, false);
    for message in Message::all(written) {
        match (message.tag(), executed) {
            (SYNC, true) => (syncs, executed) = (syncs + 1, false),
            (EXECUTE, false) => executed = true,
            (b'P' | b'D' | b'B', false) => {}
            _ => return 0,
        }
    }
    syncs.saturating_sub(KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(tags: &str) -> Vec<u8> {
        tags.bytes().flat_map(|tag| [tag, 0, 0, 0, 5, b'x']).collect()
    }

    fn joined(tags: &str) -> (String, Vec<End>) {
        let (mut ends, mut sent) = (VecDeque::new(), Vec::new());
        join(&written(tags), &mut ends, &mut sent);
        (Message::all(&sent).map(|message| char::from(message.tag())).collect(), ends.into())
    }

    #[test]
    fn a_transaction_keeps_the_syncs_around_its_last_statement() {
        use End::{Joined, Ready};
        assert_eq!(joined("BESBESBESBES"), ("BEBEBESBES".to_owned(), vec![Joined, Joined, Ready, Ready]));
        assert_eq!(joined("PBDESPBDESPBDES"), ("PBDEPBDESPBDES".to_owned(), vec![Joined, Ready, Ready]));
    }

    #[test]
    fn whatever_else_is_written_is_sent_as_it_is() {
        use End::Ready;
        assert_eq!(joined("BESBES"), ("BESBES".to_owned(), vec![Ready, Ready]));
        assert_eq!(joined("PDSBESBESBES").0, "PDSBESBESBES");
        assert_eq!(joined("CSBESBESBES").0, "CSBESBESBES");
        assert_eq!(joined("BEESBESBES").0, "BEESBESBES");
        assert_eq!(joined("BESQBESBES"), ("BESQBESBES".to_owned(), vec![Ready; 4]));
        assert_eq!(joined("p"), ("p".to_owned(), vec![]));
    }
}
