//! Invalid input: a clear error through each door, and nothing is stored, lost or broken.

use serde_json::{Value, json};
use tandem::http::guard::MAX_BODY;

use crate::support::{Answer, App, OneTask, check_all, path_of};

pub const CREATE: &str = "mutation($input: CreateTaskInput!) { createTask(input: $input) { title description } }";
pub const UPDATE: &str =
    "mutation($id: ID!, $input: UpdateTaskInput!) { updateTask(id: $id, input: $input) { title description } }";
pub const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
const TOO_LARGE: &str = "PAYLOAD_TOO_LARGE";
pub const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";

/// Malformed ids.
const BAD_IDS: [&str; 8] = [
    "no-uuid",
    "1",
    "00000000-0000-7000-8000-00000000000",
    "00000000-0000-7000-8000-0000000000000",
    "00000000-0000-7000-8000-00000000000g",
    "' OR '1'='1",
    "\u{0}",
    "🦀",
];

/// Asserts that REST's error names this field of the request and the rule it breaks.
#[track_caller]
pub fn assert_fault(answer: &Answer, field: &str, rule: &str) {
    let fault = &answer.refused(422, BAD_USER_INPUT).json["detail"][0];
    assert_eq!((&fault["loc"][1], &fault["type"]), (&json!(field), &json!(rule)), "{answer}");
}

/// Asserts that GraphQL's error names this argument or field.
#[track_caller]
pub fn assert_blames(answer: &Answer, field: &str) {
    assert_eq!(answer.refused(200, BAD_USER_INPUT).fields(), [field], "{answer}");
}

#[tokio::test]
async fn text_that_breaks_a_rule_is_refused_by_every_write() {
    let task = OneTask::new().await;
    let cases = [
        ("title", String::new(), "string_too_short"),
        ("title", "   ".into(), "value_error"),
        ("title", "\u{3000}\u{a0}\u{2003}".into(), "value_error"),
        ("title", "x".repeat(201), "string_too_long"),
        ("title", "🦀".repeat(201), "string_too_long"),
        ("title", "x".repeat(60_000), "string_too_long"),
        ("title", "a\0b".into(), "value_error"),
        ("title", "\0".into(), "value_error"),
        ("title", "a\nb".into(), "value_error"),
        ("title", "a\u{1b}[31mb".into(), "value_error"),
        ("title", "a\u{7f}".into(), "value_error"),
        ("title", "a\u{9f}".into(), "value_error"),
        ("description", "x".repeat(1001), "string_too_long"),
        ("description", "🦀".repeat(1001), "string_too_long"),
        ("description", "a\0b".into(), "value_error"),
        ("description", "a\u{8}b".into(), "value_error"),
    ];
    check_all(cases, async |(field, text, kind)| {
        let mut input = json!({ "title": "New" });
        input[field] = json!(text);
        for (method, path) in task.writes() {
            let answer = task.ann.call(method, path).json(input.clone()).await;
            assert_fault(&answer, field, kind);
            assert_eq!(answer.json["detail"][0]["input"], json!(text));
        }
        for document in [CREATE, UPDATE] {
            let answer = task.ann.graphql(document).variables(json!({ "id": task.id, "input": input })).await;
            assert_blames(&answer, field);
            let data = answer.json["data"].as_object().unwrap();
            assert!(data.values().all(Value::is_null), "{answer}");
        }
    })
    .await;
    task.assert_unchanged().await;
}

#[tokio::test]
async fn text_in_any_script_and_up_to_the_limit_is_kept_exactly() {
    let app = App::new().await;
    let ann = app.user("ann");
    let cases = [
        ("x".to_owned(), "x".repeat(1000)),
        ("x".repeat(200), String::new()),
        ("🦀".repeat(200), "🦀".repeat(1000)),
        ("\u{202e}שלום עולם\u{200f}".into(), "مرحبا\nبالعالم".into()),
        (" x ".into(), "\r\n\t".into()),
        ("e\u{301} \u{e9} \u{fdfa} \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}".into(), "\u{feff}\u{fffd}".into()),
        ("'; DROP TABLE tasks; -- \\ % _ \" <script>".into(), "{\"a\":1}".into()),
        ("\u{10ffff}\u{e000}".into(), "\u{2028}".into()),
    ];
    check_all(cases, async |(title, description)| {
        let input = json!({ "title": title, "description": description });
        let rest = ann.post("/api/tasks", input.clone()).await;
        assert_eq!((rest.status.as_u16(), &rest.json["title"]), (201, &json!(title)), "{title:.20?}");
        let path = path_of(&rest.json);
        assert_eq!(ann.get(&path).await.json["description"], json!(description));
        let updated = ann.put(&path, input.clone()).await;
        assert_eq!(updated.json["title"], json!(title));
        for document in [CREATE, UPDATE] {
            let answer = ann.graphql(document).variables(json!({ "id": rest.json["id"], "input": input })).await;
            assert_eq!(answer.data().as_object().unwrap().values().next(), Some(&input), "{title:.20?}");
        }
    })
    .await;
}

#[tokio::test]
async fn values_of_a_wrong_type_are_refused_through_both_doors() {
    let task = OneTask::new().await;
    let texts = [json!(1), json!(1.5), json!(true), json!([]), json!({}), json!(["a"]), json!({ "a": "b" })];
    let wrong_texts = texts.iter().map(|value| ("title", value.clone(), "string_type"));
    let descriptions = texts.iter().map(|value| ("description", value.clone(), "string_type"));
    let states = [(json!("maybe"), "bool_parsing"), (json!(2), "bool_parsing"), (json!(""), "bool_parsing")];
    let states = states.into_iter().map(|(value, kind)| ("completed", value, kind));
    check_all(wrong_texts.chain(descriptions).chain(states), async |(field, value, kind)| {
        let mut input = json!({ "title": "New" });
        input[field] = value.clone();
        for (method, path) in task.writes() {
            let answer = task.ann.call(method, path).json(input.clone()).await;
            assert_fault(&answer, field, kind);
        }
        for document in [CREATE, UPDATE] {
            let answer = task.ann.graphql(document).variables(json!({ "id": task.id, "input": input })).await;
            answer.refused(200, BAD_USER_INPUT).ran_nothing();
        }
    })
    .await;
    let cases = [json!({ "completed": "maybe" }), json!({ "completed": 2 }), json!([true])];
    check_all(cases, async |body| {
        let answer = task.ann.patch(format!("{}/complete", task.path), body).await;
        answer.refused(422, BAD_USER_INPUT);
    })
    .await;
    task.assert_unchanged().await;
}

/// The body with the field that GraphQL expects.
fn with_query(body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    if let Some(at) = body.windows(5).position(|name| name == b"title") {
        body[at..at + 5].copy_from_slice(b"query");
    }
    body
}

#[tokio::test]
async fn a_body_that_is_not_a_json_object_is_refused_through_both_doors() {
    let task = OneTask::new().await;
    let bodies: &[&[u8]] = &[
        b"",
        b" ",
        b"{",
        b"}",
        b"{\"title\":}",
        b"{\"title\":\"a\"",
        b"{\"title\":\"a\",}",
        b"{'title':'a'}",
        b"{\"title\":\"a\"} {}",
        b"{\"title\":\"\xff\"}",
        b"{\"title\":\"\\ud800\"}",
        b"{\"title\":\"a\nb\"}",
        b"\xef\xbb\xbf{\"title\":\"a\"}",
        b"title=a",
        b"NaN",
        b"null",
        b"true",
        b"1",
        b"\"title\"",
        b"[{\"title\":\"a\"}]",
        b"\0",
    ];
    check_all(bodies, async |body| {
        for (method, path) in task.writes() {
            let answer = task.ann.call(method, path).json_bytes(*body).await;
            assert_eq!(answer.refused(422, BAD_USER_INPUT).json["detail"][0]["loc"][0], "body");
        }
        if body.starts_with(b"[") {
            return; // For GraphQL that is a batch.
        }
        task.ann.call("POST", "/graphql").json_bytes(with_query(body)).await.refused(400, BAD_USER_INPUT);
    })
    .await;
    task.assert_unchanged().await;
}

#[tokio::test]
async fn a_body_is_read_up_to_1_mib_and_not_a_byte_more() {
    let task = OneTask::new().await;
    let doors = [
        ("PUT", task.path.as_str(), "{\"title\":\"Mine\",\"x\":\""),
        ("POST", "/graphql", "{\"query\":\"{ me { id } } #"),
    ];
    let sizes = [(MAX_BODY, 200, ""), (MAX_BODY + 1, 413, TOO_LARGE), (4 * MAX_BODY, 413, TOO_LARGE)];
    let cases = doors.iter().flat_map(|door| sizes.map(|size| (door, size)));
    check_all(cases, async |((method, path, start), (size, status, code))| {
        let body = format!("{start}{}\"}}", "x".repeat(size - start.len() - 2));
        task.ann.call(method, path).json_bytes(body).await.refused(status, code);
    })
    .await;
}

#[tokio::test]
async fn a_media_type_that_is_not_json_is_refused_through_both_doors() {
    let task = OneTask::new().await;
    let cases = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", "é"];
    check_all(cases, async |media_type| {
        let rest = task.ann.post("/api/tasks", json!({ "title": "a" }));
        let graphql = task.ann.graphql("mutation { createTask(input: { title: \"a\" }) { id } }");
        for call in [rest, graphql] {
            call.header("content-type", media_type).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
        }
    })
    .await;
    task.assert_unchanged().await;
}

#[tokio::test]
async fn malformed_ids_are_refused_through_both_doors() {
    let task = OneTask::new().await;
    check_all(BAD_IDS, async |id| {
        let spelt: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        let path = format!("/api/tasks/{}", spelt.replace('+', "%20"));
        for (method, path, body) in [
            ("GET", path.clone(), None),
            ("PUT", path.clone(), Some(json!({ "title": "x" }))),
            ("PATCH", path.clone(), Some(json!({ "title": "x" }))),
            ("PATCH", format!("{path}/complete"), None),
            ("DELETE", path.clone(), None),
        ] {
            let answer = task.ann.call(method, &path).maybe_json(body).await;
            assert_fault(&answer, "task_id", "uuid_parsing");
        }
        for document in [
            "query($id: ID!) { task(id: $id) { id } }",
            "mutation($id: ID!) { updateTask(id: $id, input: { title: \"x\" }) { id } }",
            "mutation($id: ID!) { deleteTask(id: $id) { id } }",
            "mutation($id: ID!) { toggleTask(id: $id) { id } }",
            "mutation($id: ID!) { setTaskCompleted(id: $id, completed: true) { id } }",
        ] {
            let answer = task.ann.graphql(document).variables(json!({ "id": id })).await;
            assert_blames(&answer, "id");
        }
    })
    .await;
    task.assert_unchanged().await;
}

#[tokio::test]
async fn an_empty_update_is_refused_through_both_doors() {
    let task = OneTask::new().await;
    let cases = [json!({}), json!({ "title": null }), json!({ "completed": null, "title": null })];
    check_all(cases, async |patch| {
        let rest = task.ann.patch(&task.path, patch.clone()).await;
        rest.refused(422, BAD_USER_INPUT);
        let graphql = task.ann.graphql(UPDATE).variables(json!({ "id": task.id, "input": patch })).await;
        assert_eq!(graphql.code(), BAD_USER_INPUT, "{patch}");
    })
    .await;
    let rest = task.ann.put(&task.path, json!({ "unknown": 1 })).await;
    rest.refused(422, BAD_USER_INPUT);
    task.assert_unchanged().await;
}

#[tokio::test]
async fn all_errors_of_an_input_are_reported_at_once() {
    let app = App::new().await;
    let ann = app.user("ann");
    let input = json!({ "title": "", "description": "x".repeat(1001) });
    let rest = ann.post("/api/tasks", input.clone()).await;
    let fields: Vec<_> = rest.json["detail"].as_array().unwrap().iter().map(|fault| &fault["loc"][1]).collect();
    assert_eq!(fields, ["title", "description"]);
    let graphql = ann.graphql(CREATE).variables(json!({ "input": input })).await;
    assert_eq!(graphql.fields(), ["description", "title"]);
}
