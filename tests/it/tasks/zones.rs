//! Due dates in time zones: against another implementation, and whatever zone the server and its database are in.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use serde_json::{Value, json};
use tandem::task::{Due, TimeZone};

use crate::{
    skip,
    support::{App, instance::Instance, path_of, token},
};

/// Reads lines of a zone and a local time; writes the instant, or `?` for a zone that it doesn't know. A skipped time has the
/// offset before the gap, and of a repeated one the first is meant: that is what `fold=0` does.
const PYTHON: &str = "
import sys
from datetime import datetime, timezone
from zoneinfo import ZoneInfo
for line in sys.stdin:
    name, local = line.split()
    try:
        zone = ZoneInfo(name)
    except Exception:
        print('?')
        continue
    at = datetime.fromisoformat(local).replace(tzinfo=zone, fold=0)
    print(at.astimezone(timezone.utc).strftime('%Y-%m-%dT%H:%M:%S'))
";

/// Zones with half hours, quarters, daylight saving in either hemisphere, a skipped day and changed rules.
const ZONES: [&str; 24] = [
    "Africa/Cairo",
    "Africa/Johannesburg",
    "America/Caracas",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Havana",
    "Asia/Dhaka",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Istanbul",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
];
const CASES: usize = 10_000;

/// Numbers that look random, the same in each run.
fn numbers(mut state: u64) -> impl FnMut(usize) -> usize {
    move |bound| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    }
}

#[test]
fn the_instant_of_a_local_time_is_that_of_pythons_zoneinfo() {
    let mut below = numbers(1);
    // Half of the times are within a day of where a zone changes its offset, or the zone's rules would hardly be tested.
    // Between revisions of history and decisions to come: the two databases need not be of the same age.
    let first = NaiveDate::from_ymd_opt(1985, 1, 1).unwrap();
    let mut cases: Vec<(String, String)> = Vec::new();
    while cases.len() < CASES {
        let name = ZONES[below(ZONES.len())];
        let zone: TimeZone = name.parse().unwrap();
        let date = first + Days::new(below(40 * 365) as u64);
        let time = NaiveTime::MIN + TimeDelta::minutes(i64::try_from(below(24 * 60)).unwrap());
        let offset = |date: NaiveDate| {
            let due = Due::new(date, Some(time), Some(zone.clone())).unwrap();
            date.and_time(time).and_utc() - due.at().unwrap()
        };
        let changes = offset(date) != offset(date + Days::new(2));
        if changes || cases.len().is_multiple_of(2) {
            let date = if changes { date + Days::new(1) } else { date };
            cases.push((name.to_owned(), date.and_time(time).format("%Y-%m-%dT%H:%M:%S").to_string()));
        }
    }
    let python = Command::new("python3").args(["-c", PYTHON]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut python) = python else { skip!(Python) };
    let input = cases.iter().map(|(zone, local)| format!("{zone} {local}")).collect::<Vec<_>>().join("\n");
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers: Vec<_> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    assert_eq!(answers.len(), cases.len());
    if answers.iter().all(|answer| *answer == "?") {
        skip!(Python)
    }
    let mut differences = Vec::new();
    for ((name, local), theirs) in cases.iter().zip(answers) {
        let due = Due::parse(local, name.parse().ok()).unwrap();
        let ours = due.at().unwrap().format("%Y-%m-%dT%H:%M:%S").to_string();
        if ours != theirs {
            differences.push(format!("{name} {local}: {ours}, not {theirs}"));
        }
        // What is answered is read as the same.
        assert_eq!(Due::parse(&due.to_rest(), name.parse().ok()).as_ref(), Ok(&due));
    }
    assert!(differences.is_empty(), "{} of {CASES}:\n{}", differences.len(), differences.join("\n"));
}

/// What is sent, and what is answered in REST and in GraphQL.
fn days_and_times() -> [(Value, Value, Value); 4] {
    [
        (
            json!({ "due_date": "2026-03-29" }),
            json!({ "due_date": "2026-03-29", "due_timezone": null }),
            json!({ "date": "2026-03-29", "time": null, "timeZone": null, "at": null }),
        ),
        (
            json!({ "due_date": "2026-03-29T09:00" }),
            json!({ "due_date": "2026-03-29T09:00:00", "due_timezone": null }),
            json!({ "date": "2026-03-29", "time": "09:00:00", "timeZone": null, "at": null }),
        ),
        (
            json!({ "due_date": "2026-03-29T00:30:00.000Z" }),
            json!({ "due_date": "2026-03-29T00:30:00Z", "due_timezone": null }),
            json!({ "date": "2026-03-29", "time": "00:30:00", "timeZone": "UTC", "at": "2026-03-29T00:30:00.000000Z" }),
        ),
        (
            json!({ "due_date": "2026-03-29T00:30", "due_timezone": "Pacific/Auckland" }),
            json!({ "due_date": "2026-03-29T00:30:00+13:00", "due_timezone": "Pacific/Auckland" }),
            json!({ "date": "2026-03-29", "time": "00:30:00", "timeZone": "Pacific/Auckland",
                    "at": "2026-03-28T11:30:00.000000Z" }),
        ),
    ]
}

const QUERY: &str = "query($id: ID!) { task(id: $id) { due { date time timeZone at } } }";

#[tokio::test]
async fn a_date_stays_the_same_whatever_zone_the_database_is_in() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    for zone in ["Pacific/Kiritimati", "America/Los_Angeles", "Etc/GMT+12", "Asia/Kathmandu"] {
        let admin = app.db.superuser().await;
        let set = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''{zone}''', current_database()); END $$"
        );
        admin.batch_execute(&set).await.unwrap();
        let another = app.another().await;
        let ann = another.user(zone);
        for (sent, rest, graphql) in days_and_times() {
            let mut new = json!({ "title": zone });
            new.as_object_mut().unwrap().extend(sent.as_object().unwrap().clone());
            let made = ann.post("/api/tasks", new).await.good();
            let read = ann.get(path_of(&made)).await.good();
            assert_eq!(json!({ "due_date": read["due_date"], "due_timezone": read["due_timezone"] }), rest, "{zone}");
            let task = ann.graphql(QUERY).variables(json!({ "id": made["id"] })).await.good();
            assert_eq!(task["task"]["due"], graphql, "{zone}");
        }
        // A day is due at its end, and a date as a bound is its beginning.
        for (query, count) in [("due_before=2026-03-29", 1), ("due_before=2026-03-30", 4), ("due_after=2026-03-29", 3)]
        {
            let listed = ann.get(format!("/api/tasks?{query}")).await.good();
            assert_eq!(listed.as_array().unwrap().len(), count, "{zone} {query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_stays_the_same_whatever_zone_the_server_is_in() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    for zone in ["Pacific/Kiritimati", "America/Los_Angeles"] {
        let server = Instance::start(app.db.url(), &[("TZ", zone)]).await;
        let client = reqwest::Client::new();
        for (sent, rest, _) in days_and_times() {
            let mut new = json!({ "title": zone });
            new.as_object_mut().unwrap().extend(sent.as_object().unwrap().clone());
            let url = format!("{}/api/tasks", server.url());
            let made = client.post(&url).bearer_auth(token("ann")).json(&new).send().await.unwrap();
            let made: Value = made.json().await.unwrap();
            assert_eq!(json!({ "due_date": made["due_date"], "due_timezone": made["due_timezone"] }), rest, "{zone}");
        }
    }
}
