//! What goes to the server.

use bytes::BytesMut;

use super::{
    message::Message,
    unanswered::{End, Unanswered},
};

const EXECUTE: u8 = b'E';
const QUERY: u8 = b'Q';
const SYNC: u8 = b'S';

/// A transaction has a beginning, work and an end. Fewer statements don't belong together, and each has its Sync.
const TRANSACTION: usize = 3;
/// tokio-postgres writes this much at once, whatever is still to come of the transaction.
const BUFFER: usize = 8 * 1024;

/// Passes on what was written, whole messages, without the Syncs that can be left out; and notes how each answer will end.
pub(in crate::store::connection::wire) fn join(written: &[u8], unanswered: &mut Unanswered, to_server: &mut BytesMut) {
    let syncs = superfluous_syncs(written);
    let mut left_out = 0;
    for message in Message::all(written) {
        if message.tag() == SYNC && left_out < syncs {
            left_out += 1;
            unanswered.ends.push_back(End::Joined);
            continue;
        }
        let is_last = syncs > 0 && left_out == syncs;
        if is_last {
            unanswered.last.extend_from_slice(message.bytes());
        }
        if matches!(message.tag(), SYNC | QUERY) {
            unanswered.ends.push_back(if is_last { End::Last } else { End::Ready });
        }
        to_server.extend_from_slice(message.bytes());
    }
}

/// How many Syncs can be left out: all but the last one of a transaction, if its statements each are executed once, at
/// their end, because that is how the end of an answer without a Sync is recognized.
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
    if syncs < TRANSACTION || written.len() >= BUFFER { 0 } else { syncs - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(tags: &str) -> Vec<u8> {
        tags.bytes().flat_map(|tag| [tag, 0, 0, 0, 5, b'x']).collect()
    }

    fn tags(messages: &[u8]) -> String {
        Message::all(messages).map(|message| char::from(message.tag())).collect()
    }

    fn joined(written: &[u8]) -> (String, Vec<End>, String) {
        let (mut unanswered, mut sent) = (Unanswered::default(), BytesMut::new());
        join(written, &mut unanswered, &mut sent);
        (tags(&sent), unanswered.ends.into(), tags(&unanswered.last))
    }

    #[test]
    fn a_transaction_keeps_its_last_sync() {
        use End::{Joined, Last};
        let four = vec![Joined, Joined, Joined, Last];
        assert_eq!(joined(&written("BESBESBESBES")), ("BEBEBEBES".to_owned(), four, "BES".to_owned()));
        let three = vec![Joined, Joined, Last];
        assert_eq!(joined(&written("PBDESPBDESPBDES")), ("PBDEPBDEPBDES".to_owned(), three, "PBDES".to_owned()));
    }

    #[test]
    fn whatever_else_is_written_is_sent_as_it_is() {
        for tags in ["BESBES", "PDSBESBESBES", "CSBESBESBES", "BEESBESBES", "BESQBESBES", "p"] {
            let ends = tags.bytes().filter(|tag| matches!(tag, b'S' | b'Q')).map(|_| End::Ready).collect();
            assert_eq!(joined(&written(tags)), (tags.to_owned(), ends, String::new()));
        }
    }

    #[test]
    fn a_part_of_a_transaction_is_sent_as_it_is() {
        let statement = [&[b'B', 0, 0, 31, 255][..], &[b'x'; 8187], &written("ES")].concat();
        let part = [&written("BESBES")[..], &statement].concat();
        assert_eq!(joined(&part), ("BESBESBES".to_owned(), vec![End::Ready; 3], String::new()));
    }
}
