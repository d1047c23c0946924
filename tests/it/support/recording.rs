//! What a server sends to its database, recorded, and replayed on another database.

use std::collections::HashMap;

use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use tokio_postgres::{
    Client, SimpleQueryMessage, SimpleQueryRow,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use super::proxy::Executed;

/// In place of values that differ each time.
const ANYTHING: &str = "*";

/// The statements of a transaction, or one on its own.
pub type Transaction = Vec<Statement>;

/// A statement and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    pub sql: String,
    /// The types of its parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    types: Vec<String>,
    /// As PostgreSQL writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<Option<String>>,
    /// The types of the columns that it answers, in whose binary form a server reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    columns: Vec<String>,
    pub answer: Answer,
}

/// The answer to a statement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// This many rows were changed or found, and these returned.
    Done(u64, Vec<Vec<Option<String>>>),
    /// This SQLSTATE.
    Failed(String),
    /// It was not sent yet.
    #[default]
    Open,
}

/// The transactions in the order in which they were begun. A read that was repeated is there once.
pub async fn transactions(client: &Client, executed: Vec<Executed>) -> Vec<Transaction> {
    let mut transactions: Vec<Transaction> = Vec::new();
    let mut open: HashMap<usize, usize> = HashMap::new();
    for executed in executed {
        let statement = statement(client, &executed).await;
        let word = statement.sql.split_whitespace().next().unwrap_or_default().to_owned();
        let index = match open.get(&executed.connection) {
            Some(index) => *index,
            None => {
                transactions.push(Vec::new());
                transactions.len() - 1
            }
        };
        if word == "BEGIN" {
            open.insert(executed.connection, index);
        }
        if word == "COMMIT" || statement.sql == "ROLLBACK" {
            open.remove(&executed.connection);
        }
        transactions[index].push(statement);
    }
    let mut once: Vec<Transaction> = Vec::new();
    for transaction in transactions {
        let is_write = transaction[0].sql.contains("READ WRITE");
        if is_write || !once.contains(&transaction) {
            once.push(transaction);
        }
    }
    once
}

/// PostgreSQL itself turns the parameters into text.
async fn statement(client: &Client, Executed { sql, types, parameters, .. }: &Executed) -> Statement {
    assert_eq!(types.len(), parameters.len(), "types of all parameters of {sql}");
    let types: Vec<_> = types.iter().map(|oid| Type::from_oid(*oid).expect("a type of PostgreSQL's own")).collect();
    let mut texts = Vec::new();
    for (kind, value) in types.iter().zip(parameters) {
        let as_text = client.prepare_typed("SELECT $1::text", std::slice::from_ref(kind)).await.unwrap();
        texts.push(client.query_one(&as_text, &[&Binary(value.clone())]).await.unwrap().get(0));
    }
    let types = types.iter().map(|kind| kind.name().to_owned()).collect();
    Statement { sql: sql.clone(), types, parameters: texts, columns: Vec::new(), answer: Answer::Open }
}

#[derive(Debug)]
struct Binary(Option<Vec<u8>>);

impl ToSql for Binary {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        let Some(bytes) = &self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Replays all of it on another database, and returns it with that one's answers.
pub async fn replay(client: &Client, transactions: &[Transaction]) -> Vec<Transaction> {
    let mut replayed = transactions.to_vec();
    let known = types(client, transactions).await;
    for (index, statement) in replayed.iter_mut().flatten().enumerate() {
        let Statement { sql, types, parameters, columns, answer } = statement;
        let parameter_types: Vec<_> = types.iter().map(|name| known[name].clone()).collect();
        let prepared = client.prepare_typed(sql, &parameter_types).await;
        let answered = prepared.iter().flat_map(tokio_postgres::Statement::columns);
        *columns = answered.map(|column| column.type_().name().to_owned()).collect();
        let run = if types.is_empty() {
            sql.clone()
        } else {
            let values: Vec<_> = parameters.iter().map(|value| literal(value.as_deref())).collect();
            let (name, types, values) = (format!("recorded_{index}"), types.join(", "), values.join(", "));
            format!("PREPARE {name} ({types}) AS {sql}; EXECUTE {name}({values})")
        };
        *answer = match client.simple_query(&run).await {
            Ok(messages) => done(&messages),
            Err(error) => Answer::Failed(error.code().map_or(error.to_string(), |code| code.code().to_owned())),
        };
    }
    replayed
}

/// The types of all parameters by their names.
async fn types(client: &Client, transactions: &[Transaction]) -> HashMap<String, Type> {
    let names: Vec<_> = transactions.iter().flatten().flat_map(|statement| statement.types.clone()).collect();
    let found = "SELECT typname::text, oid FROM pg_type
                 WHERE typname = ANY($1) AND typnamespace = 'pg_catalog'::regnamespace";
    let found = client.query(found, &[&names]).await.unwrap();
    found.iter().map(|row| (row.get(0), Type::from_oid(row.get(1)).unwrap())).collect()
}

fn literal(value: Option<&str>) -> String {
    value.map_or("NULL".to_owned(), |value| format!("'{}'", value.replace('\'', "''")))
}

fn done(messages: &[SimpleQueryMessage]) -> Answer {
    let cells = |row: &SimpleQueryRow| (0..row.len()).map(|cell| row.get(cell).map(timeless)).collect();
    let (mut count, mut rows) = (0, Vec::new());
    for message in messages {
        match message {
            SimpleQueryMessage::Row(row) => rows.push(cells(row)),
            SimpleQueryMessage::CommandComplete(number) => count = *number,
            _ => {}
        }
    }
    Answer::Done(count, rows)
}

/// The text without the times in it, which differ each time.
fn timeless(text: &str) -> String {
    const PATTERN: &[u8] = b"0000-00-00 00:00:00";
    let is_time = |bytes: &[u8]| {
        bytes.iter().zip(PATTERN).all(|(byte, pattern)| match pattern {
            b'0' => byte.is_ascii_digit(),
            b' ' => matches!(byte, b' ' | b'T'),
            other => byte == other,
        })
    };
    let Some(at) = text.as_bytes().windows(PATTERN.len()).position(is_time) else { return text.to_owned() };
    let rest = &text[at..];
    let end =
        rest.bytes().skip(PATTERN.len()).take_while(|byte| byte.is_ascii_digit() || b".+:".contains(byte)).count();
    format!("{}<time>{}", &text[..at], timeless(&rest[PATTERN.len() + end..]))
}

/// What two databases answered alike.
pub fn alike(first: &[Transaction], second: &[Transaction]) -> Vec<Transaction> {
    let mut alike = first.to_vec();
    for (first, second) in alike.iter_mut().flatten().zip(second.iter().flatten()) {
        let (Answer::Done(_, first), Answer::Done(_, second)) = (&mut first.answer, &second.answer) else { continue };
        for (first, second) in first.iter_mut().flatten().zip(second.iter().flatten()) {
            if first != second {
                *first = Some(ANYTHING.to_owned());
            }
        }
    }
    alike
}

/// The statements whose answers were not the expected ones.
pub fn differences(expected: &[Transaction], found: &[Transaction]) -> Vec<String> {
    let pairs = expected.iter().flatten().zip(found.iter().flatten());
    let others = pairs.filter(|(expected, found)| {
        expected.columns != found.columns || !is_as_expected(&expected.answer, &found.answer)
    });
    others
        .map(|(expected, found)| format!("{}\n  was {}\n  is  {}", expected.sql, told(expected), told(found)))
        .collect()
}

fn told(Statement { columns, answer, .. }: &Statement) -> String {
    format!("{columns:?} {answer:?}")
}

fn is_as_expected(expected: &Answer, found: &Answer) -> bool {
    let (Answer::Done(count, rows), Answer::Done(found_count, found_rows)) = (expected, found) else {
        return expected == found;
    };
    let is_same =
        |(cell, found): (&Option<String>, &Option<String>)| cell == found || cell.as_deref() == Some(ANYTHING);
    let mut pairs = rows.iter().zip(found_rows);
    count == found_count
        && rows.len() == found_rows.len()
        && pairs.all(|(row, found)| row.len() == found.len() && row.iter().zip(found).all(is_same))
}
