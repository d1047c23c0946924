//! What comes from the server.

use std::collections::VecDeque;

use bytes::BytesMut;

use super::{
    message::Message,
    unanswered::{End, Unanswered},
};

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

/// Passes on an answer, with what tokio-postgres must hear at the end of a statement whose `Sync` was left out.
pub(super) fn complete(
    message: Message<'_>,
    unanswered: &mut Unanswered,
    to_client: &mut BytesMut,
    to_server: &mut BytesMut,
) {
    let Unanswered { ends, commit } = unanswered;
    if let (READY_FOR_QUERY, Some(end @ End::SkippedCommit)) = (message.tag(), ends.front_mut()) {
        *end = End::Ready;
        to_server.extend_from_slice(commit);
        commit.clear();
        return;
    }
    to_client.extend_from_slice(message.bytes());
    match (message.tag(), ends.front()) {
        (READY_FOR_QUERY, end) => {
            if end == Some(&End::Commit) {
                commit.clear();
            }
            ends.pop_front();
        }
        (COMMAND_COMPLETE | EMPTY_QUERY | SUSPENDED, Some(End::NoSync)) => {
            to_client.extend_from_slice(READY);
            ends.pop_front();
        }
        (ERROR, Some(End::NoSync)) => skip(ends, to_client),
        _ => {}
    }
}

/// After a failure the server skips all statements up to the next `Sync`, which is behind the `COMMIT`.
fn skip(ends: &mut VecDeque<End>, to_client: &mut BytesMut) {
    while let Some(End::NoSync) = ends.front() {
        ends.pop_front();
        to_client.extend_from_slice(READY_TO_ROLL_BACK);
        match ends.front_mut() {
            Some(last @ End::Commit) => *last = End::SkippedCommit,
            _ => put_error(SKIPPED, to_client),
        }
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
    use super::{
        super::message::example::{message, tags},
        *,
    };

    const TRANSACTION: [End; 4] = [End::NoSync, End::NoSync, End::NoSync, End::Commit];

    /// What tokio-postgres hears, what the server is sent, and how many answers are still to come.
    fn completed(received: &str, ends: &[End]) -> (String, String, usize) {
        let commit = if ends.contains(&End::Commit) { b"COMMIT".to_vec() } else { Vec::new() };
        let mut unanswered = Unanswered { ends: ends.iter().copied().collect(), commit };
        let (mut heard, mut sent) = (BytesMut::new(), BytesMut::new());
        for tag in received.chars() {
            let message = message(tag, "x");
            complete(Message::split(&message).unwrap().0, &mut unanswered, &mut heard, &mut sent);
        }
        assert_eq!(unanswered.may_repeat_commit(), unanswered.ends.contains(&End::Commit));
        (tags(&heard), String::from_utf8(sent.into()).unwrap(), unanswered.ends.len())
    }

    #[test]
    fn each_statement_gets_the_end_it_would_have_got() {
        let heard = |tags, heard: &str, ends| assert_eq!(completed(tags, ends), (heard.to_owned(), String::new(), 0));
        heard("2C2DC2DDDC2CZ", "2CZ2DCZ2DDDCZ2CZ", &TRANSACTION);
        heard("2I2s2DC2CZ", "2IZ2sZ2DCZ2CZ", &TRANSACTION);
        heard("2CZ2CZ", "2CZ2CZ", &[End::Ready; 2]);
    }

    #[test]
    fn statements_that_are_skipped_after_a_failure_fail_too_and_the_commit_is_sent_again() {
        let heard = |tags, heard: &str| {
            assert_eq!(completed(tags, &TRANSACTION), (heard.to_owned(), "COMMIT".to_owned(), 0));
        };
        heard("EZ2CZ", "EZEZEZ2CZ");
        heard("2CEZ2CZ", "2CZEZEZ2CZ");
        heard("2C2DC2DEZ2CZ", "2CZ2DCZ2DEZ2CZ");
        heard("2C2DC2DEZEZ", "2CZ2DCZ2DEZEZ");
    }

    #[test]
    fn a_commit_that_fails_itself_is_not_sent_again() {
        assert_eq!(completed("2C2C2CEZ", &TRANSACTION), ("2CZ2CZ2CZEZ".to_owned(), String::new(), 0));
    }

    #[test]
    fn what_was_sent_alone_before_does_not_count_as_the_commit() {
        let ends = [&[End::Ready][..], &TRANSACTION].concat();
        assert_eq!(completed("EZ2C2C2EZ2CZ", &ends), ("EZ2CZ2CZ2EZ2CZ".to_owned(), "COMMIT".to_owned(), 0));
    }

    #[test]
    fn what_comes_unasked_ends_nothing() {
        let heard = "NS2CZSN2DCZA2DCZN2CZ";
        assert_eq!(completed("NS2CSN2DCA2DCN2CZ", &TRANSACTION), (heard.to_owned(), String::new(), 0));
        assert_eq!(completed("RSSKZ", &[]), ("RSSKZ".to_owned(), String::new(), 0));
    }
}
