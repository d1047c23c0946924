//! What comes from the server.

use std::collections::VecDeque;

use bytes::BytesMut;

use super::{message::Message, requests::End};

const COMMAND_COMPLETE: u8 = b'C';
const EMPTY_QUERY: u8 = b'I';
const ERROR: u8 = b'E';
const READY_FOR_QUERY: u8 = b'Z';
const SUSPENDED: u8 = b's';

/// Ready for the next statement, within a transaction.
const READY: &[u8] = b"Z\0\0\0\x05T";
/// The same, within a transaction that has failed.
const READY_TO_ROLL_BACK: &[u8] = b"Z\0\0\0\x05E";
/// The fields of what the server says about statements behind one that failed.
const SKIPPED: &[u8] = b"SERROR\0VERROR\0C25P02\0\
    Mcurrent transaction is aborted, commands ignored until end of transaction block\0\0";

/// Passes on an answer, with what tokio-postgres must hear at the end of a statement whose Sync was left out.
pub(super) fn complete(message: Message<'_>, ends: &mut VecDeque<End>, to_client: &mut BytesMut) {
    to_client.extend_from_slice(message.bytes());
    match (message.tag(), ends.front()) {
        (READY_FOR_QUERY, _) => {
            ends.pop_front();
        }
        (COMMAND_COMPLETE | EMPTY_QUERY | SUSPENDED, Some(End::Joined)) => {
            to_client.extend_from_slice(READY);
            ends.pop_front();
        }
        (ERROR, Some(End::Joined)) => skip(ends, to_client),
        _ => {}
    }
}

/// After a failure the server skips all statements up to the next Sync, and only then says that it is ready.
fn skip(ends: &mut VecDeque<End>, to_client: &mut BytesMut) {
    while let Some(End::Joined) = ends.front() {
        to_client.extend_from_slice(READY_TO_ROLL_BACK);
        put_error(SKIPPED, to_client);
        ends.pop_front();
    }
}

fn put_error(fields: &[u8], to_client: &mut BytesMut) {
    let length = u32::try_from(fields.len() + size_of::<u32>()).unwrap_or_default();
    to_client.extend_from_slice(&[ERROR]);
    to_client.extend_from_slice(&length.to_be_bytes());
    to_client.extend_from_slice(fields);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(tags: &str, ends: &[End]) -> (String, usize) {
        let (mut ends, mut answers) = (ends.iter().copied().collect(), BytesMut::new());
        let received: Vec<_> = tags.bytes().flat_map(|tag| [tag, 0, 0, 0, 5, b'x']).collect();
        for message in Message::all(&received) {
            complete(message, &mut ends, &mut answers);
        }
        (Message::all(&answers).map(|message| char::from(message.tag())).collect(), ends.len())
    }

    const TRANSACTION: [End; 4] = [End::Joined, End::Joined, End::Ready, End::Ready];

    #[test]
    fn each_statement_gets_the_end_it_would_have_got() {
        assert_eq!(completed("2C2DC2DDDCZ2CZ", &TRANSACTION), ("2CZ2DCZ2DDDCZ2CZ".to_owned(), 0));
        assert_eq!(completed("2I2s2DCZ2CZ", &TRANSACTION), ("2IZ2sZ2DCZ2CZ".to_owned(), 0));
        assert_eq!(completed("2CZ2CZ", &[End::Ready; 2]), ("2CZ2CZ".to_owned(), 0));
    }

    #[test]
    fn statements_that_are_skipped_after_a_failure_fail_too() {
        assert_eq!(completed("EZ2CZ", &TRANSACTION), ("EZEZEZ2CZ".to_owned(), 0));
        assert_eq!(completed("2CEZ2CZ", &TRANSACTION), ("2CZEZEZ2CZ".to_owned(), 0));
        assert_eq!(completed("2C2DC2EZ2CZ", &TRANSACTION), ("2CZ2DCZ2EZ2CZ".to_owned(), 0));
    }

    #[test]
    fn what_comes_unasked_ends_nothing() {
        assert_eq!(completed("NS2CSN2DCA2DCZN2CZ", &TRANSACTION), ("NS2CZSN2DCZA2DCZN2CZ".to_owned(), 0));
        assert_eq!(completed("RSSKZ", &[]), ("RSSKZ".to_owned(), 0));
    }
}
