//! Bad input: a clear refusal through each door, and nothing stored, lost or broken by it.

use axum::{body::Body, http::header};
use serde_json::{Value, json};
use tandem::http::MAX_BODY;

use crate::support::{
    Answer, App,
    app::{graphql_request, rest_request},
    token,
};

pub const CREATE: &str = "mutation($input: CreateTaskInput!) { createTask(input: $input) { title description } }";
pub const UPDATE: &str =
    "mutation($id: ID!, $input: UpdateTaskInput!) { updateTask(id: $id, input: $input) { title description } }";
pub const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
pub const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";

/// Ids that are none.
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

/// A server with one task of Ann's that must stay as it is.
pub struct House {
    pub app: App,
    pub id: String,
    before: Value,
}

impl House {
    pub async fn new() -> Self {
        let app = App::new().await;
        let id = app.create("ann", "Mine").await["id"].as_str().unwrap().to_owned();
        let before = app.tasks_of("ann").await;
        Self { app, id, before }
    }

    pub async fn rest(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.app.rest("ann", method, &path.replace("$ID", &self.id), body).await
    }

    pub async fn assert_untouched(&self, by: &str) {
        assert_eq!(self.app.tasks_of("ann").await, self.before, "{by}");
    }
}

/// The fault of a REST answer: its field and its rule.
pub fn fault(answer: &Answer) -> (u16, &str, &str, &str) {
    let fault = &answer.json["detail"][0];
    let text = |value: &'static str| fault[value].as_str().unwrap_or_default();
    (answer.status.as_u16(), answer.code(), fault["loc"][1].as_str().unwrap_or_default(), text("type"))
}

/// The field a GraphQL answer complains about.
pub fn blamed(answer: &Answer) -> Vec<&String> {
    let fields = answer.json.pointer("/errors/0/extensions/fields").and_then(Value::as_object);
    fields.map(|fields| fields.keys().collect()).unwrap_or_default()
}

#[tokio::test]
async fn text_that_breaks_a_rule_is_refused_by_creation_and_update_through_both_doors() {
    let house = House::new().await;
    for (field, text, kind) in [
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
    ] {
        let mut input = json!({ "title": "New" });
        input[field] = json!(text);
        let name = format!("{field} {text:.20?}");
        for (method, path) in [("POST", "/api/tasks"), ("PUT", "/api/tasks/$ID"), ("PATCH", "/api/tasks/$ID")] {
            let answer = house.rest(method, path, Some(input.clone())).await;
            assert_eq!(fault(&answer), (422, BAD_USER_INPUT, field, kind), "{method} {name}: {:.300}", answer.text);
            assert_eq!(answer.json["detail"][0]["input"], json!(text), "{method} {name}");
        }
        for document in [CREATE, UPDATE] {
            let answer = house.app.graphql("ann", document, json!({ "id": house.id, "input": input })).await;
            assert_eq!(answer.status, 200, "{name}");
            assert_eq!((answer.code(), blamed(&answer)), (BAD_USER_INPUT, vec![&field.to_owned()]), "{name}");
            assert_eq!(answer.json["data"], Value::Null, "{name}");
        }
    }
    house.assert_untouched("bad text").await;
}

#[tokio::test]
async fn text_up_to_the_limit_and_in_any_script_is_kept_to_the_letter_by_both_doors() {
    let app = App::new().await;
    for (title, description) in [
        ("x".to_owned(), "x".repeat(1000)),
        ("x".repeat(200), String::new()),
        ("🦀".repeat(200), "🦀".repeat(1000)),
        ("\u{202e}שלום עולם\u{200f}".into(), "مرحبا\nبالعالم".into()),
        (" x ".into(), "\r\n\t".into()),
        ("e\u{301} \u{e9} \u{fdfa} \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}".into(), "\u{feff}\u{fffd}".into()),
        ("'; DROP TABLE tasks; -- \\ % _ \" <script>".into(), "{\"a\":1}".into()),
        ("\u{10ffff}\u{e000}".into(), "\u{2028}".into()),
    ] {
        let input = json!({ "title": title, "description": description });
        let rest = app.rest("ann", "POST", "/api/tasks", Some(input.clone())).await;
        assert_eq!((rest.status.as_u16(), &rest.json["title"]), (201, &json!(title)), "{title:.20?}");
        let path = format!("/api/tasks/{}", rest.json["id"].as_str().unwrap());
        assert_eq!(app.rest("ann", "GET", &path, None).await.json["description"], json!(description));
        let updated = app.rest("ann", "PUT", &path, Some(input.clone())).await;
        assert_eq!(updated.json["title"], json!(title));
        for document in [CREATE, UPDATE] {
            let answer = app.graphql("ann", document, json!({ "id": rest.json["id"], "input": input })).await;
            assert_eq!(answer.data().as_object().unwrap().values().next(), Some(&input), "{title:.20?}");
        }
    }
}

#[tokio::test]
async fn values_of_a_wrong_type_are_refused_through_both_doors() {
    let house = House::new().await;
    let texts = [json!(1), json!(1.5), json!(true), json!([]), json!({}), json!(["a"]), json!({ "a": "b" })];
    let wrong_texts = texts.iter().map(|value| ("title", value.clone(), "string_type"));
    let descriptions = texts.iter().map(|value| ("description", value.clone(), "string_type"));
    let states = [(json!("maybe"), "bool_parsing"), (json!(2), "bool_parsing"), (json!(""), "bool_parsing")];
    let states = states.into_iter().map(|(value, kind)| ("completed", value, kind));
    for (field, value, kind) in wrong_texts.chain(descriptions).chain(states) {
        let mut input = json!({ "title": "New" });
        input[field] = value.clone();
        for (method, path) in [("POST", "/api/tasks"), ("PUT", "/api/tasks/$ID"), ("PATCH", "/api/tasks/$ID")] {
            let answer = house.rest(method, path, Some(input.clone())).await;
            assert_eq!(fault(&answer), (422, BAD_USER_INPUT, field, kind), "{method} {field} {value}: {}", answer.text);
        }
        for document in [CREATE, UPDATE] {
            let answer = house.app.graphql("ann", document, json!({ "id": house.id, "input": input })).await;
            let told = (answer.status.as_u16(), answer.code(), answer.json.get("data"));
            assert_eq!(told, (200, BAD_USER_INPUT, None), "{field} {value}: {}", answer.text);
        }
    }
    for body in [json!({ "completed": "maybe" }), json!({ "completed": 2 }), json!([true])] {
        let answer = house.rest("PATCH", "/api/tasks/$ID/complete", Some(body.clone())).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (422, BAD_USER_INPUT), "{body}");
    }
    house.assert_untouched("wrong types").await;
}

/// The body with the field that GraphQL reads.
fn with_query(body: &[u8]) -> Body {
    let mut body = body.to_vec();
    if let Some(at) = body.windows(5).position(|name| name == b"title") {
        body[at..at + 5].copy_from_slice(b"query");
    }
    body.into()
}

#[tokio::test]
async fn a_body_that_is_no_object_in_json_is_refused_through_both_doors() {
    let house = House::new().await;
    let token = token("ann");
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
    for body in bodies {
        let name = String::from_utf8_lossy(body);
        for (method, path) in [("POST", "/api/tasks"), ("PUT", "/api/tasks/$ID"), ("PATCH", "/api/tasks/$ID")] {
            let path = path.replace("$ID", &house.id);
            let request = rest_request(Some(&token), method, &path, Some(Value::Null));
            let answer = house.app.send(request.map(|_| Body::from(body.to_vec()))).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (422, BAD_USER_INPUT), "{method} {name:?}");
            assert_eq!(answer.json["detail"][0]["loc"][0], "body", "{method} {name:?}: {}", answer.text);
        }
        if body.starts_with(b"[") {
            continue; // To GraphQL that is a batch.
        }
        let request = graphql_request(Some(&token), &Value::Null).map(|_| with_query(body));
        let answer = house.app.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, BAD_USER_INPUT), "{name:?}: {}", answer.text);
    }
    house.assert_untouched("no JSON").await;
}

#[tokio::test]
async fn a_body_is_read_up_to_64_kib_and_not_a_byte_more() {
    let house = House::new().await;
    let path = format!("/api/tasks/{}", house.id);
    for (method, path, start) in
        [("PUT", path.as_str(), "{\"title\":\"Mine\",\"x\":\""), ("POST", "/graphql", "{\"query\":\"{ me { id } } #")]
    {
        for (size, status, code) in
            [(MAX_BODY, 200, ""), (MAX_BODY + 1, 413, "PAYLOAD_TOO_LARGE"), (4 * MAX_BODY, 413, "PAYLOAD_TOO_LARGE")]
        {
            let body = format!("{start}{}\"}}", "x".repeat(size - start.len() - 2));
            let request = rest_request(Some(&token("ann")), method, path, Some(Value::Null)).map(|_| body.into());
            let answer = house.app.send(request).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{path} {size}: {:.200}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_media_type_that_is_not_json_is_refused_through_both_doors() {
    let house = House::new().await;
    for media_type in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", "é"]
    {
        let value = header::HeaderValue::from_bytes(media_type.as_bytes()).unwrap();
        for mut request in [
            rest_request(Some(&token("ann")), "POST", "/api/tasks", Some(json!({ "title": "a" }))),
            graphql_request(
                Some(&token("ann")),
                &json!({ "query": "mutation { createTask(input: {title: \"a\"}) { id } }" }),
            ),
        ] {
            request.headers_mut().insert(header::CONTENT_TYPE, value.clone());
            let answer = house.app.send(request).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (415, "UNSUPPORTED_MEDIA_TYPE"), "{media_type}");
        }
    }
    house.assert_untouched("media types").await;
}

#[tokio::test]
async fn ids_that_are_none_are_refused_through_both_doors() {
    let house = House::new().await;
    for id in BAD_IDS {
        let spelt: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        let path = format!("/api/tasks/{}", spelt.replace('+', "%20"));
        for (method, path, body) in [
            ("GET", path.clone(), None),
            ("PUT", path.clone(), Some(json!({ "title": "x" }))),
            ("PATCH", path.clone(), Some(json!({ "title": "x" }))),
            ("PATCH", format!("{path}/complete"), None),
            ("DELETE", path.clone(), None),
        ] {
            let answer = house.rest(method, &path, body).await;
            assert_eq!(fault(&answer), (422, BAD_USER_INPUT, "task_id", "uuid_parsing"), "{method} {path}");
        }
        for document in [
            "query($id: ID!) { task(id: $id) { id } }",
            "mutation($id: ID!) { updateTask(id: $id, input: { title: \"x\" }) { id } }",
            "mutation($id: ID!) { deleteTask(id: $id) { id } }",
            "mutation($id: ID!) { toggleTask(id: $id) { id } }",
            "mutation($id: ID!) { setTaskCompleted(id: $id, completed: true) { id } }",
        ] {
            let answer = house.app.graphql("ann", document, json!({ "id": id })).await;
            assert_eq!((answer.code(), blamed(&answer)), (BAD_USER_INPUT, vec![&"id".to_owned()]), "{document} {id:?}");
        }
    }
    house.assert_untouched("bad ids").await;
}

#[tokio::test]
async fn an_update_of_nothing_is_refused_through_both_doors() {
    let house = House::new().await;
    for patch in [json!({}), json!({ "title": null }), json!({ "completed": null, "title": null })] {
        let rest = house.rest("PATCH", "/api/tasks/$ID", Some(patch.clone())).await;
        assert_eq!((rest.status.as_u16(), rest.code()), (422, BAD_USER_INPUT), "{patch}");
        let graphql = house.app.graphql("ann", UPDATE, json!({ "id": house.id, "input": patch })).await;
        assert_eq!(graphql.code(), BAD_USER_INPUT, "{patch}");
    }
    let rest = house.rest("PUT", "/api/tasks/$ID", Some(json!({ "unknown": 1 }))).await;
    assert_eq!((rest.status.as_u16(), rest.code()), (422, BAD_USER_INPUT));
    house.assert_untouched("no change").await;
}

#[tokio::test]
async fn all_faults_of_an_input_are_told_at_once() {
    let app = App::new().await;
    let input = json!({ "title": "", "description": "x".repeat(1001) });
    let rest = app.rest("ann", "POST", "/api/tasks", Some(input.clone())).await;
    let fields: Vec<_> = rest.json["detail"].as_array().unwrap().iter().map(|fault| &fault["loc"][1]).collect();
    assert_eq!(fields, ["title", "description"]);
    let graphql = app.graphql("ann", CREATE, json!({ "input": input })).await;
    assert_eq!(blamed(&graphql), ["description", "title"]);
}
