//! Lists against a model: random tasks with ties and without fields, in every sort, status and filter, in pages of any size,
//! forward and backward.

use std::{cmp::Ordering, collections::BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde_json::{Value, json};

use crate::support::{App, User, id_of};

const TASKS: usize = 60;
const FIELDS: &str = "id title completed priority due { date time timeZone at } tags createdAt";
const SORTS: [(&str, &str); 8] = [
    ("CREATED_ASC", "sort=created&order=asc"),
    ("CREATED_DESC", "sort=created&order=desc"),
    ("TITLE_ASC", "sort=title&order=asc"),
    ("TITLE_DESC", "sort=title&order=desc"),
    ("PRIORITY_ASC", "sort=priority&order=asc"),
    ("PRIORITY_DESC", "sort=priority&order=desc"),
    ("DUE_ASC", "sort=due_date&order=asc"),
    ("DUE_DESC", "sort=due_date&order=desc"),
];
const STATUSES: [(&str, &str); 3] = [("ALL", "all"), ("PENDING", "pending"), ("COMPLETED", "completed")];
const PRIORITIES: [&str; 5] = ["NONE", "LOW", "MEDIUM", "HIGH", "URGENT"];
const DUES: [Option<(&str, Option<&str>)>; 7] = [
    None,
    Some(("2026-03-29", None)),
    Some(("2026-03-29T23:59:59", None)),
    Some(("2026-03-30T01:00", Some("Europe/Berlin"))),
    Some(("2026-03-29T23:00:00Z", None)),
    Some(("2026-04-01", None)),
    Some(("1969-12-31T09:00", None)),
];
const TAGS: [&str; 4] = ["home", "Home", "WORK", "straße"];

/// A filter: in REST's words, in GraphQL's, and as the model has it.
type Filter = (&'static str, &'static str, fn(&Task) -> bool);

const FILTERS: [Filter; 12] = [
    ("", "{}", |_| true),
    ("&priority=high,low", "{ priorities: [HIGH, LOW] }", |task| [1, 3].contains(&task.priority)),
    ("&priority=NONE", "{ priorities: [NONE] }", |task| task.priority == 0),
    ("&tags=HOME,STRASSE", r#"{ tagsAny: ["HOME", "STRASSE"] }"#, |task| task.has("home") || task.has("straße")),
    ("&tags=home&tags=work&tags_match=all", r#"{ tagsAll: ["home", "work"] }"#, |task| {
        task.has("home") && task.has("work")
    }),
    ("&priority=none,urgent&has_due=true", "{ priorities: [URGENT, NONE], hasDue: true }", |task| {
        [0, 4].contains(&task.priority) && task.due.is_some()
    }),
    ("&tags=nowhere", r#"{ tagsAny: ["nowhere"], priorities: [] }"#, |_| false),
    ("&has_due=false&due_after=2000-01-01", r#"{ hasDue: false, dueAfter: "2000-01-01T00:00:00Z" }"#, |_| false),
    ("&has_due=true", "{ hasDue: true }", |task| task.due.is_some()),
    ("&has_due=false", "{ hasDue: false }", |task| task.due.is_none()),
    ("&due_before=2026-03-29T23:00:00Z", r#"{ dueBefore: "2026-03-29T23:00:00Z" }"#, |task| {
        task.due.is_some_and(|due| due < at("2026-03-29T23:00:00Z"))
    }),
    ("&due_after=2026-03-29&tags=work", r#"{ dueAfter: "2026-03-29T00:00:00Z", tagsAny: ["work"] }"#, |task| {
        task.due.is_some_and(|due| due >= at("2026-03-29T00:00:00Z")) && task.has("work")
    }),
];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// What the model knows of a task.
#[derive(Clone, Debug)]
struct Task {
    id: String,
    title: String,
    created: String,
    completed: bool,
    priority: usize,
    due: Option<DateTime<Utc>>,
    tags: Vec<String>,
}

impl Task {
    fn of(task: &Value) -> Self {
        let text = |name: &str| task[name].as_str().unwrap().to_owned();
        let tags = task["tags"].as_array().unwrap().iter();
        Self {
            id: text("id"),
            title: text("title"),
            created: text("createdAt"),
            completed: task["completed"] == true,
            priority: PRIORITIES.iter().position(|word| task["priority"] == *word).unwrap(),
            due: due(&task["due"]),
            tags: tags.map(|tag| tag.as_str().unwrap().to_lowercase()).collect(),
        }
    }

    fn has(&self, tag: &str) -> bool {
        self.tags.iter().any(|known| known == tag)
    }

    /// Tasks without the key are last, whatever the direction.
    fn compare(&self, other: &Self, sort: &str) -> Ordering {
        let (column, direction) = sort.split_once('_').unwrap();
        let without = |task: &Self| match column {
            "PRIORITY" => task.priority == 0,
            "DUE" => task.due.is_none(),
            _ => false,
        };
        let key = match column {
            "CREATED" => self.created.cmp(&other.created),
            "TITLE" => self.title.cmp(&other.title),
            "PRIORITY" => self.priority.cmp(&other.priority),
            _ => self.due.cmp(&other.due),
        };
        let order = key.then_with(|| self.id.cmp(&other.id));
        let order = if direction == "DESC" { order.reverse() } else { order };
        without(self).cmp(&without(other)).then(order)
    }
}

fn due(due: &Value) -> Option<DateTime<Utc>> {
    let date: NaiveDate = due["date"].as_str()?.parse().unwrap();
    Some(match (due["time"].as_str(), due["at"].as_str()) {
        (None, _) => date.and_time(NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap()).and_utc(),
        (Some(time), None) => NaiveDateTime::new(date, time.parse().unwrap()).and_utc(),
        (Some(_), Some(instant)) => at(instant),
    })
}

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

fn new_task(numbers: &mut Numbers) -> Value {
    let due = DUES[numbers.below(DUES.len())];
    let tags: Vec<_> = TAGS.iter().filter(|_| numbers.below(3) == 0).collect();
    let title = ["a", "b", "c"][numbers.below(3)];
    json!({
        "title": title,
        "completed": numbers.below(2) == 0,
        "priority": PRIORITIES[numbers.below(PRIORITIES.len())],
        "due_date": due.map(|(date, _)| date),
        "due_timezone": due.and_then(|(_, zone)| zone),
        "tags": tags,
    })
}

async fn all(ann: &User) -> Vec<Task> {
    let tasks = ann.graphql(format!("{{ tasks(limit: 1000) {{ {FIELDS} }} }}")).await.good();
    tasks["tasks"].as_array().unwrap().iter().map(Task::of).collect()
}

/// How to follow pages.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Link,
    Forward,
    Backward,
}

/// One list in one of its ways.
struct List<'a> {
    ann: &'a User,
    sort: (&'static str, &'static str),
    status: (&'static str, &'static str),
    filter: Filter,
    way: Way,
    size: usize,
}

impl List<'_> {
    fn expected(&self, tasks: &[Task]) -> Vec<String> {
        let is_wanted = |task: &&Task| match self.status.0 {
            "PENDING" => !task.completed,
            "COMPLETED" => task.completed,
            _ => true,
        };
        let mut tasks: Vec<_> = tasks.iter().filter(is_wanted).filter(|task| (self.filter.2)(task)).collect();
        tasks.sort_by(|one, other| one.compare(other, self.sort.0));
        if self.way == Way::Backward {
            tasks.reverse();
        }
        tasks.into_iter().map(|task| task.id.clone()).collect()
    }

    /// The ids of a page in the order of the way, where the next one is, and the total.
    async fn page(&self, place: Option<String>) -> (Vec<String>, Option<String>, usize) {
        if self.way == Way::Link {
            let path = place.unwrap_or_else(|| {
                let ((_, sort), (_, status), (filter, ..)) = (self.sort, self.status, self.filter);
                format!("/api/tasks?{sort}&status={status}{filter}&count=true&limit={}", self.size)
            });
            let answer = self.ann.get(&path).await;
            let link = answer.header("link").strip_prefix('<').and_then(|link| link.split('>').next());
            let total = answer.header("x-total-count").parse().unwrap();
            return (ids(answer.status(200).json.as_array().unwrap()), link.map(ToOwned::to_owned), total);
        }
        let (slice, more, end) = match self.way {
            Way::Backward => ("last: $size, before: $place", "hasPreviousPage", "startCursor"),
            _ => ("first: $size, after: $place", "hasNextPage", "endCursor"),
        };
        let ((sort, _), (status, _), (_, filter, _)) = (self.sort, self.status, self.filter);
        let query = format!(
            "query($place: String, $size: Int) {{ tasksConnection(sort: {sort}, status: {status}, filter: {filter}, {slice}) \
             {{ nodes {{ id }} totalCount pageInfo {{ {more} {end} }} }} }}"
        );
        let variables = json!({ "place": place, "size": self.size });
        let mut connection = self.ann.graphql(query).variables(variables).await.good()["tasksConnection"].take();
        let mut found = ids(connection["nodes"].as_array().unwrap());
        if self.way == Way::Backward {
            found.reverse();
        }
        let total = connection["totalCount"].as_u64().unwrap().try_into().unwrap();
        let next = (connection["pageInfo"][more] == true).then(|| connection["pageInfo"][end].take());
        (found, next.map(|next| next.as_str().unwrap().to_owned()), total)
    }
}

fn ids(tasks: &[Value]) -> Vec<String> {
    tasks.iter().map(|task| id_of(task).to_owned()).collect()
}

#[tokio::test]
async fn every_page_of_every_list_is_that_of_the_model() {
    let app = App::new().await;
    let ann = &app.user("ann");
    let mut numbers = Numbers(1);
    for _ in 0..TASKS {
        ann.post("/api/tasks", new_task(&mut numbers)).await.status(201);
    }
    let tasks = all(ann).await;
    let mut longest = 0;
    for sort in SORTS {
        for status in STATUSES {
            for filter in FILTERS {
                for way in [Way::Link, Way::Forward, Way::Backward] {
                    let list = List { ann, sort, status, filter, way, size: 1 + numbers.below(25) };
                    let expected = list.expected(&tasks);
                    longest = longest.max(expected.len());
                    let (mut seen, mut place) = (Vec::new(), None);
                    loop {
                        let (page, next, total) = list.page(place).await;
                        assert_eq!(total, expected.len(), "{sort:?} {status:?} {}", filter.0);
                        seen.extend(page);
                        place = next;
                        if place.is_none() {
                            break;
                        }
                    }
                    assert_eq!(seen, expected, "{sort:?} {status:?} {} {way:?} in pages of {}", filter.0, list.size);
                }
            }
        }
    }
    assert_eq!(longest, TASKS);
}

#[tokio::test]
async fn what_stays_in_place_is_on_one_page_whatever_is_written_between_pages() {
    let app = App::new().await;
    let mut numbers = Numbers(2);
    for sort in SORTS {
        for way in [Way::Link, Way::Forward, Way::Backward] {
            let ann = &app.user(&format!("{}-{way:?}", sort.0));
            for _ in 0..20 {
                ann.post("/api/tasks", new_task(&mut numbers)).await.status(201);
            }
            let mut steady = all(ann).await;
            let list = List { ann, sort, status: STATUSES[0], filter: FILTERS[0], way, size: 3 };
            let (mut seen, mut place) = (Vec::new(), None);
            for round in 0.. {
                let (page, next, _) = list.page(place).await;
                seen.extend(page);
                place = next;
                if place.is_none() {
                    break;
                }
                // Otherwise the list could grow at its end for ever.
                if round >= 4 {
                    continue;
                }
                for _ in 0..2 {
                    ann.post("/api/tasks", new_task(&mut numbers)).await.status(201);
                }
                // One is deleted, and one moves within the list: they may be on any page, or on none.
                let gone = steady.swap_remove(numbers.below(steady.len())).id;
                ann.delete(format!("/api/tasks/{gone}")).await.status(204);
                let moved = steady.swap_remove(numbers.below(steady.len())).id;
                ann.patch(format!("/api/tasks/{moved}"), new_task(&mut numbers)).await.status(200);
            }
            let steady = list.expected(&steady);
            let kept: Vec<_> = seen.iter().filter(|id| steady.contains(id)).cloned().collect();
            assert_eq!(kept, steady, "{sort:?} {way:?}");
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let app = App::new().await;
    let ann = app.user("ann");
    for _ in 0..3 {
        ann.post("/api/tasks", json!({ "title": "a", "priority": "low", "tags": ["x"], "due_date": "2026-01-01" }))
            .await;
    }
    let lists = [
        "sort=created",
        "sort=title",
        "sort=priority",
        "sort=due_date",
        "sort=priority&order=asc",
        "status=pending",
        "search=a",
        "priority=low",
        "priority=low,high",
        "tags=x",
        "tags=x&tags_match=all",
        "has_due=true",
        "due_before=2027-01-01",
        "due_after=2025-01-01",
        "priority=low&has_due=true",
    ];
    let mut cursors = Vec::new();
    for list in lists {
        let answer = ann.get(format!("/api/tasks?{list}&limit=1")).await;
        let link = answer.header("link").to_owned();
        cursors.push(
            link.split("cursor=")
                .nth(1)
                .unwrap_or_else(|| panic!("{list}: {link}"))
                .split('>')
                .next()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(cursors.iter().collect::<BTreeSet<_>>().len(), lists.len());
    for (of, cursor) in cursors.iter().enumerate() {
        for (index, list) in lists.iter().enumerate() {
            let answer = ann.get(format!("/api/tasks?{list}&limit=1&cursor={cursor}")).await;
            if of == index {
                answer.status(200);
            } else {
                assert_eq!(
                    answer.refused(422, "BAD_USER_INPUT").json["detail"][0]["loc"],
                    json!(["query", "cursor"]),
                    "{list}"
                );
            }
        }
    }
    let page = r#"{ tasksConnection(filter: { tagsAny: ["x"] }, first: 1, after: "CURSOR") { nodes { id } } }"#;
    let query = |cursor: &str| ann.graphql(page.replace("CURSOR", cursor));
    assert_eq!(query(&cursors[0]).await.refused(200, "BAD_USER_INPUT").fields(), ["after"]);
    query(&cursors[9]).await.good();
}

#[tokio::test]
async fn tags_are_counted_in_any_case_those_of_most_tasks_first() {
    let app = App::new().await;
    let ann = app.user("ann");
    for (tags, completed) in [
        (json!(["Home", "b"]), false),
        (json!(["home"]), true),
        (json!(["HOME", "a"]), false),
        (json!([]), false),
        (json!(["straße"]), true),
    ] {
        ann.post("/api/tasks", json!({ "title": "x", "tags": tags, "completed": completed })).await.status(201);
    }
    app.user("bob").post("/api/tasks", json!({ "title": "x", "tags": ["bob's"] })).await.status(201);
    let tags = ann.graphql("{ me { tags { name pending total } } }").await.good();
    let tag = |name: &str, pending: i64, total: i64| json!({ "name": name, "pending": pending, "total": total });
    let expected = json!([tag("HOME", 2, 3), tag("a", 1, 1), tag("b", 1, 1), tag("straße", 0, 1)]);
    assert_eq!(tags["me"]["tags"], expected);
    let first = ann.graphql("{ me { tags(limit: 1) { name } } }").await.good();
    assert_eq!(first["me"]["tags"], json!([{ "name": "HOME" }]));
    for limit in [0, 1001] {
        let answer = ann.graphql(format!("{{ me {{ tags(limit: {limit}) {{ name }} }} }}")).await;
        assert_eq!(answer.refused(200, "BAD_USER_INPUT").fields(), ["limit"]);
    }
}
