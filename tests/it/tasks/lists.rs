//! What a list contains, in which order, and how it is paged.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Answer, App, check_all};

const SORTS: [(&str, &str, &str); 6] = [
    ("CREATED_ASC", "sort=created&order=asc", "created_at"),
    ("CREATED_DESC", "sort=created&order=desc", "created_at"),
    ("UPDATED_ASC", "sort=updated&order=asc", "updated_at"),
    ("UPDATED_DESC", "sort=updated&order=desc", "updated_at"),
    ("TITLE_ASC", "sort=title&order=asc", "title"),
    ("TITLE_DESC", "sort=title&order=desc", "title"),
];

fn ids(tasks: &Value) -> Vec<String> {
    tasks.as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
}

/// Tasks whose titles are unordered and not all different; the first one was updated last.
async fn some_tasks(app: &App, user: &str) {
    let mut first = None;
    for title in ["m", "c", "x", "c", "a", "m", "c", "q", "b"] {
        let task = app.user(user).create(title).await;
        first.get_or_insert(task);
    }
    app.user(user).toggle(&first.unwrap()).await;
}

#[tokio::test]
async fn a_search_finds_a_literal_substring_in_any_case() {
    let app = App::new().await;
    let ann = app.user("ann");
    for (title, description) in [
        ("100% sure", None),
        ("snake_case", None),
        (r"back\slash", None),
        ("snakeXcase", Some("1000 sure")),
        ("ÄRGER", Some("Milk % cream")),
        ("plain", Some(r"a \% b")),
    ] {
        ann.post("/api/tasks", json!({ "title": title, "description": description })).await;
    }
    let cases = [
        ("sure", &["100% sure", "snakeXcase"][..]),
        ("SURE", &["100% sure", "snakeXcase"]),
        ("0% s", &["100% sure"]),
        ("%", &["100% sure", "plain", "ÄRGER"]),
        ("e_c", &["snake_case"]),
        ("_", &["snake_case"]),
        (r"\", &["back\\slash", "plain"]),
        (r"k\s", &["back\\slash"]),
        (r"\%", &["plain"]),
        (r"\\", &[]),
        ("milk % CREAM", &["ÄRGER"]),
        ("", &["100% sure", "back\\slash", "plain", "snakeXcase", "snake_case", "ÄRGER"]),
        ("sure ", &[]),
        ("'", &[]),
        ("nowhere", &[]),
    ];
    check_all(cases, async |(search, found)| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("search", search).finish();
        let rest = ann.get(format!("/api/tasks?{query}&count=true")).await;
        let query = "query($search: String) { tasks(search: $search) { title } }";
        let graphql = ann.graphql(query).variables(json!({ "search": search })).await;
        for tasks in [&rest.json, &graphql.data()["tasks"]] {
            let titles: BTreeSet<_> =
                tasks.as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap()).collect();
            assert_eq!(titles, found.iter().copied().collect(), "{search}");
        }
        assert_eq!(rest.header("x-total-count"), found.len().to_string(), "{search}");
    })
    .await;
}

fn assert_sorted(tasks: &Value, sort: &str, key: &str) {
    let keys: Vec<_> =
        tasks.as_array().unwrap().iter().map(|task| (task[key].to_string(), task["id"].to_string())).collect();
    let mut sorted = keys.clone();
    sorted.sort();
    if sort.ends_with("_DESC") {
        sorted.reverse();
    }
    assert_eq!(keys, sorted, "{sort}");
}

#[tokio::test]
async fn every_sort_is_stable_across_ties() {
    let app = App::new().await;
    let ann = app.user("ann");
    some_tasks(&app, "ann").await;
    check_all(SORTS, async |(sort, query, key)| {
        let tasks = ann.get(format!("/api/tasks?{query}")).await.json;
        assert_eq!(tasks.as_array().unwrap().len(), 9);
        assert_sorted(&tasks, sort, key);
    })
    .await;
}

#[tokio::test]
async fn tasks_of_the_same_moment_are_ordered_and_paged_by_id() {
    let Some(app) = App::on_server().await else { crate::skip!(Postgres) };
    let ann = app.user("ann");
    let insert = "INSERT INTO tasks (user_id, id, title, created_at, updated_at, position) \
                  SELECT 'ann', gen_random_uuid(), 'same', '2026-01-01', '2026-01-01', 1 FROM generate_series(1, 7)";
    app.db.superuser().await.batch_execute(insert).await.unwrap();
    for (sort, query, key) in SORTS {
        let tasks = ann.get(format!("/api/tasks?{query}")).await.json;
        assert_sorted(&tasks, sort, key);
        for way in [Way::Link, Way::Forward, Way::Backward] {
            let (mut seen, mut place) = (Vec::new(), None);
            loop {
                let (page, next) = way.page(&app, "ann", (sort, query), place).await;
                seen.extend(page);
                let Some(next) = next else { break };
                place = Some(next);
            }
            let mut expected = ids(&tasks);
            if way == Way::Backward {
                expected.reverse();
            }
            assert_eq!(seen, expected, "{sort} {way:?}");
        }
    }
}

/// How to follow pages of two tasks each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Link,
    Forward,
    Backward,
}

impl Way {
    /// The ids of a page in order, and where the next one is.
    async fn page(
        self,
        app: &App,
        user: &str,
        (sort, query): (&str, &str),
        place: Option<String>,
    ) -> (Vec<String>, Option<String>) {
        if self == Self::Link {
            let path = place.unwrap_or_else(|| format!("/api/tasks?{query}&limit=2"));
            let answer = app.user(user).get(&path).await;
            return (ids(&answer.json), next_link(&answer));
        }
        let (bounds, goes_on, end) = match self {
            Self::Backward => ("last: 2, before: $place", "hasPreviousPage", "startCursor"),
            _ => ("first: 2, after: $place", "hasNextPage", "endCursor"),
        };
        let query = format!(
            "query($place: String) {{ tasksConnection(sort: {sort}, {bounds}) {{ \
             nodes {{ id }} pageInfo {{ {goes_on} {end} }} }} }}"
        );
        let answer = app.user(user).graphql(query).variables(json!({ "place": place })).await;
        let connection = &answer.data()["tasksConnection"];
        let mut ids = ids(&connection["nodes"]);
        if self == Self::Backward {
            ids.reverse();
        }
        let goes_on = connection["pageInfo"][goes_on] == json!(true);
        (ids, goes_on.then(|| connection["pageInfo"][end].as_str().unwrap().to_owned()))
    }
}

/// Where the `Link` header points.
fn next_link(answer: &Answer) -> Option<String> {
    let link = answer.header("link");
    (!link.is_empty()).then(|| link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_a_task_while_others_are_added_and_deleted() {
    let app = App::new().await;
    for (sort, query, _) in SORTS {
        for way in [Way::Link, Way::Forward, Way::Backward] {
            let user = format!("{sort}-{way:?}");
            some_tasks(&app, &user).await;
            let mut there = ids(&app.user(&user).get(format!("/api/tasks?{query}")).await.json);
            if way == Way::Backward {
                there.reverse();
            }
            let (mut seen, mut place) = (Vec::<String>::new(), None);
            for round in 0.. {
                let (page, next) = way.page(&app, &user, (sort, query), place).await;
                seen.extend(page);
                let Some(next) = next else { break };
                place = Some(next);
                // Otherwise the list could grow at its far end for ever.
                if round < 2 {
                    for title in ["0", "c", "z"] {
                        app.user(&user).create(title).await;
                    }
                    // The task at the cursor, and the first one after it.
                    let ahead = there.iter().find(|id| !seen.contains(id));
                    for id in [seen.last(), ahead].map(|id| id.unwrap().clone()) {
                        app.user(&user).delete(format!("/api/tasks/{id}")).await.status(204);
                        there.retain(|other| *other != id);
                    }
                }
            }
            let met = seen.iter().collect::<BTreeSet<_>>();
            assert_eq!(met.len(), seen.len(), "{user}: nothing twice");
            seen.retain(|id| there.contains(id));
            assert_eq!(seen, there, "{user}: nothing skipped");
        }
    }
}

#[tokio::test]
async fn page_info_says_where_a_connection_begins_and_ends() {
    let app = App::new().await;
    let ann = app.user("ann");
    let page = async |arguments: &str| {
        let query = format!(
            "{{ tasksConnection(sort: TITLE_ASC, {arguments}) {{ nodes {{ title }} edges {{ cursor }} \
             pageInfo {{ hasPreviousPage hasNextPage startCursor endCursor }} }} }}"
        );
        ann.graphql(query).await.good()["tasksConnection"].take()
    };
    let empty = json!({ "hasPreviousPage": false, "hasNextPage": false, "startCursor": null, "endCursor": null });
    assert_eq!(page("first: 2").await["pageInfo"], empty);
    assert_eq!(page("last: 2").await["pageInfo"], empty);
    for title in ["a", "b", "c", "d"] {
        ann.create(title).await;
    }
    let all = page("first: 4").await;
    let cursor = |index: usize| all["edges"][index]["cursor"].as_str().unwrap().to_owned();
    let (b, c, d) = (cursor(1), cursor(2), cursor(3));
    let cases = [
        ("first: 4".to_owned(), "abcd", false, false),
        ("first: 5".to_owned(), "abcd", false, false),
        ("first: 3".to_owned(), "abc", false, true),
        (format!(r#"first: 2, after: "{b}""#), "cd", true, false),
        (format!(r#"first: 1, after: "{b}""#), "c", true, true),
        (format!(r#"first: 2, after: "{d}""#), "", true, false),
        ("last: 4".to_owned(), "abcd", false, false),
        ("last: 3".to_owned(), "bcd", true, false),
        (format!(r#"last: 2, before: "{c}""#), "ab", false, true),
        (format!(r#"last: 1, before: "{c}""#), "b", true, true),
        (format!(r#"first: 9, after: "{b}", before: "{d}""#), "c", true, true),
    ];
    check_all(cases, async |(arguments, titles, previous, next)| {
        let page = page(&arguments).await;
        let found: String =
            page["nodes"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap()).collect();
        let ends = (&page["pageInfo"]["hasPreviousPage"], &page["pageInfo"]["hasNextPage"]);
        assert_eq!((found.as_str(), ends), (titles, (&json!(previous), &json!(next))));
        assert_eq!(page["pageInfo"]["startCursor"], page["edges"][0]["cursor"]);
    })
    .await;
}

#[tokio::test]
async fn the_total_counts_the_whole_list_on_every_page() {
    let app = App::new().await;
    let ann = app.user("ann");
    for (title, completed) in [("a1", false), ("a2", true), ("a3", false), ("b1", false), ("a4", false)] {
        ann.post("/api/tasks", json!({ "title": title, "completed": completed })).await;
    }
    let cases = [("", "5"), ("status=pending", "4"), ("search=a", "4"), ("status=pending&search=A", "3")];
    check_all(cases, async |(query, total)| {
        for limit in 1..=6 {
            let mut path = Some(format!("/api/tasks?{query}&limit={limit}&count=true"));
            while let Some(this) = path {
                let answer = ann.get(&this).await;
                assert_eq!(answer.header("x-total-count"), total, "{this}");
                path = next_link(&answer);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_next_link_keeps_the_path_and_the_other_parameters() {
    let app = App::new().await;
    let ann = app.user("ann");
    for _ in 0..3 {
        ann.create("a&b=c ✓ 100%").await;
    }
    let asked = "status=pending&sort=title&order=desc&search=a%26b%3Dc+%E2%9C%93+100%25&limit=1&later=1";
    let params = |query: &str| url::form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>();
    check_all(["/api/tasks", "/api/v1/tasks", "/api/ann/tasks"], async |path| {
        let (mut place, mut met) = (format!("{path}?{asked}"), BTreeSet::new());
        for _ in 0..2 {
            let answer = ann.get(&place).await;
            met.extend(ids(&answer.json));
            place = next_link(&answer).expect("another page");
            let (base, query) = place.split_once('?').unwrap();
            let mut kept = params(query);
            assert_eq!(kept.pop().map(|(name, _)| name).as_deref(), Some("cursor"));
            assert_eq!((base, kept), (path, params(asked)));
        }
        let last = ann.get(&place).await;
        met.extend(ids(&last.json));
        assert_eq!((next_link(&last), met.len()), (None, 3), "{path}");
    })
    .await;
}
