//! What goes to the server.

use std::{collections::HashMap, io};

use bytes::BytesMut;

use super::{
    message::Message,
    unanswered::{End, Unanswered},
};

const PARSE: u8 = b'P';
const BIND: u8 = b'B';
const DESCRIBE: u8 = b'D';
const EXECUTE: u8 = b'E';
const QUERY: u8 = b'Q';
const SYNC: u8 = b'S';

/// An edge of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Begin,
    Commit,
    /// Must be answered even after a failure, which it is only behind a `Sync`.
    Rollback,
}

impl Edge {
    fn of(sql: &[u8]) -> Option<Self> {
        match sql {
            b"COMMIT" => Some(Self::Commit),
            sql if sql.starts_with(b"ROLLBACK") => Some(Self::Rollback),
            sql => sql.starts_with(b"BEGIN").then_some(Self::Begin),
        }
    }
}

/// Leaves out what the server needn't be asked for.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// The edges among the statements that are prepared, by their names.
    prepared: HashMap<Vec<u8>, Edge>,
}

impl Requests {
    /// Passes on what was written, whole messages, without the `Sync`s that can be left out; and notes how each answer will
    /// end.
    pub(super) fn coalesce(
        &mut self,
        written: &[u8],
        unanswered: &mut Unanswered,
        to_server: &mut BytesMut,
    ) -> io::Result<()> {
        let syncs = self.superfluous_syncs(written)?;
        let (mut left_out, mut rest) = (0, written);
        while let Some((message, behind)) = Message::split(rest) {
            rest = behind;
            if message.tag() == SYNC && left_out < syncs {
                left_out += 1;
                unanswered.ends.push_back(End::NoSync);
                continue;
            }
            let is_commit = syncs > 0 && left_out == syncs;
            if is_commit {
                unanswered.commit.extend_from_slice(message.bytes());
            }
            if matches!(message.tag(), SYNC | QUERY) {
                unanswered.ends.push_back(if is_commit { End::Commit } else { End::Ready });
            }
            to_server.extend_from_slice(message.bytes());
        }
        Ok(())
    }

    /// How many `Sync`s can be left out: all but the last one of a transaction, from its `BEGIN` to its `COMMIT`. Its
    /// statements each are executed once, at their end, because that is how the end of an answer without a `Sync` is
    /// recognized.
    fn superfluous_syncs(&mut self, written: &[u8]) -> io::Result<usize> {
        let (mut is_transaction, mut syncs) = (true, 0);
        let (mut edge, mut executed, mut has_committed) = (None, false, false);
        let mut rest = written;
        while !rest.is_empty() {
            let (message, behind) = Message::split(rest).ok_or_else(incomplete)?;
            rest = behind;
            if message.tag() == PARSE {
                self.prepare(message);
            }
            match (message.tag(), executed) {
                (PARSE | DESCRIBE, false) => {}
                (BIND, false) => edge = self.edge(message),
                (EXECUTE, false) => executed = true,
                (SYNC, true) => {
                    let is_first = edge == Some(Edge::Begin);
                    is_transaction &= is_first == (syncs == 0) && edge != Some(Edge::Rollback) && !has_committed;
                    has_committed = edge == Some(Edge::Commit);
                    (edge, executed, syncs) = (None, false, syncs + 1);
                }
                _ => is_transaction = false,
            }
        }
        Ok(if is_transaction && has_committed && !executed { syncs - 1 } else { 0 })
    }

    /// Remembers a statement that is the edge of a transaction.
    fn prepare(&mut self, parse: Message<'_>) {
        let Some((name, sql)) = parse.texts() else { return };
        match Edge::of(sql) {
            Some(edge) => drop(self.prepared.insert(name.to_owned(), edge)),
            None => drop(self.prepared.remove(name)),
        }
    }

    fn edge(&self, bind: Message<'_>) -> Option<Edge> {
        let (_portal, statement) = bind.texts()?;
        self.prepared.get(statement).copied()
    }
}

fn incomplete() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "tokio-postgres has written a part of a message")
}

#[cfg(test)]
mod tests {
    use super::{
        super::message::example::{executed, message, tags, unnamed},
        *,
    };

    /// Statements that are executed under their names: `begin`, `commit`, or something else.
    fn all_executed(names: &[&str]) -> Vec<u8> {
        names.iter().flat_map(|name| executed(name)).collect()
    }

    /// What is sent of what is written, how each answer ends, and what may be sent again.
    fn coalesced(written: &[u8]) -> (String, Vec<End>, String) {
        let mut requests = Requests::default();
        let (mut unanswered, mut sent) = (Unanswered::default(), BytesMut::new());
        for (name, sql) in
            [("begin", "BEGIN READ ONLY"), ("commit", "COMMIT"), ("rollback", "ROLLBACK"), ("select", "SELECT 1")]
        {
            let prepare = [message('P', &format!("{name}\0{sql}\0\0\0")), message('S', "")].concat();
            requests.coalesce(&prepare, &mut Unanswered::default(), &mut BytesMut::new()).unwrap();
        }
        requests.coalesce(written, &mut unanswered, &mut sent).unwrap();
        (tags(&sent), unanswered.ends.into(), tags(&unanswered.commit))
    }

    #[test]
    fn a_transaction_keeps_its_last_sync() {
        use End::{Commit, NoSync};
        let transaction = all_executed(&["begin", "select", "select", "commit"]);
        let four = vec![NoSync, NoSync, NoSync, Commit];
        assert_eq!(coalesced(&transaction), ("BEBEBEBES".to_owned(), four, "BES".to_owned()));
        let transaction = [unnamed("BEGIN READ ONLY"), unnamed("SELECT 1"), unnamed("COMMIT")].concat();
        let three = vec![NoSync, NoSync, Commit];
        assert_eq!(coalesced(&transaction), ("PDBEPDBEPDBES".to_owned(), three, "PDBES".to_owned()));
    }

    #[test]
    fn what_is_no_whole_transaction_is_sent_as_it_is() {
        for names in [
            &["select", "select", "select"][..],
            &["begin", "select", "select"],
            &["select", "select", "commit"],
            &["begin"],
            &["commit"],
            &["begin", "begin", "commit"],
            &["begin", "select", "rollback", "commit"],
            &["begin", "commit", "select", "commit"],
            &["begin", "select", "commit", "begin", "select", "commit"],
        ] {
            let expected = "BES".repeat(names.len());
            assert_eq!(coalesced(&all_executed(names)), (expected, vec![End::Ready; names.len()], String::new()));
        }
    }

    #[test]
    fn whatever_else_is_written_is_sent_as_it_is() {
        let transaction = |middle: Vec<u8>| [all_executed(&["begin"]), middle, all_executed(&["commit"])].concat();
        let bind = message('B', "\0select\0");
        let execute = message('E', "\0\0\0\0\0");
        for (middle, expected) in [
            (message('Q', "SELECT 1\0"), "Q"),
            ([bind.clone(), message('S', "")].concat(), "BS"),
            ([bind.clone(), execute.clone(), execute.clone(), message('S', "")].concat(), "BEES"),
            ([message('C', "Sselect\0"), message('S', "")].concat(), "CS"),
            ([message('P', "other\0SELECT 2\0\0\0"), message('D', "Sother\0"), message('S', "")].concat(), "PDS"),
        ] {
            let expected = format!("BES{expected}BES");
            assert_eq!(coalesced(&transaction(middle)), (expected, vec![End::Ready; 3], String::new()));
        }
        let open = [all_executed(&["begin", "select", "commit"]), bind, execute].concat();
        assert_eq!(coalesced(&open).0, "BESBESBESBE");
        assert_eq!(coalesced(&message('X', "")), ("X".to_owned(), Vec::new(), String::new()));
    }

    #[test]
    fn a_name_that_is_prepared_anew_is_what_it_says() {
        let [begin, commit] = [all_executed(&["begin", "select"]), all_executed(&["commit"])];
        let renamed = [message('P', "begin\0SELECT 2\0\0\0"), begin, commit].concat();
        assert_eq!(coalesced(&renamed).0, "PBESBESBES");
    }

    #[test]
    fn a_part_of_a_message_is_refused() {
        let transaction = all_executed(&["begin", "select", "commit"]);
        for end in [1, 4, transaction.len() - 1] {
            let refused =
                Requests::default().coalesce(&transaction[..end], &mut Unanswered::default(), &mut BytesMut::new());
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
