//! The REST door described in OpenAPI 3.1. The operations are described where their handlers are, below no prefix; here
//! they are put under each of the prefixes, and get what they all have in common: the token and the ways to be refused.

mod refusals;
mod schemas;

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Deprecated, ObjectBuilder, Paths, Required, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

pub(super) use self::schemas::{
    Bulk, Completion, CreateTask, Known, ListParams, Precondition, TaskListAnswer, UpdateTask,
};
use super::{PREFIXES, handlers};

/// Where the document is served.
const PLACE: &str = "/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tandem",
        description = "The REST door of Tandem, a task backend for many users. Clients of the older FastAPI backends keep \
                       working with it. Whatever it does can also be done through GraphQL, at `POST /graphql`.\n\n\
                       `HEAD` works wherever `GET` does, and a slash at the end of a path doesn't matter.",
    ),
    paths(
        handlers::list,
        handlers::create,
        handlers::bulk,
        handlers::get,
        handlers::update,
        handlers::patch,
        handlers::delete,
        handlers::complete,
    ),
    components(schemas(schemas::Refusal, schemas::Problem)),
    security(("bearer" = [])),
    tags(
        (name = "tasks", description = "The tasks of the user whose token is sent."),
        (name = "tasks, versioned", description = "The same routes, with the version of the API in the path."),
        (name = "tasks, legacy", description = "The same routes, as older backends had them: the user in the path must be \
                                                the one in the token."),
    ),
    modifiers(&Everywhere),
)]
struct Described;

/// What goes for every operation.
struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.bearer_format = Some("JWT".to_owned());
        bearer.description = Some("A token of Better Auth, or one of `tandem token --user <id>`.".to_owned());
        if let Some(components) = &mut document.components {
            components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        }
        let described = std::mem::replace(&mut document.paths, Paths::new());
        for (prefix, variant) in PREFIXES.into_iter().zip(VARIANTS) {
            for (path, item) in &described.paths {
                let path = format!("{prefix}{}", path.trim_end_matches('/'));
                document.paths.paths.insert(path.clone(), variant.of(&path, item.clone()));
            }
        }
    }
}

/// The routes under one of the prefixes, in the order of [`PREFIXES`].
struct Variant {
    tag: &'static str,
    suffix: &'static str,
    is_legacy: bool,
}

const VARIANTS: [Variant; 3] = [
    Variant { tag: "tasks", suffix: "", is_legacy: false },
    Variant { tag: "tasks, versioned", suffix: "V1", is_legacy: false },
    Variant { tag: "tasks, legacy", suffix: "OfUser", is_legacy: true },
];

impl Variant {
    fn of(&self, path: &str, mut item: PathItem) -> PathItem {
        let operations = [
            (&mut item.get, false),
            (&mut item.post, true),
            (&mut item.put, true),
            (&mut item.patch, true),
            (&mut item.delete, true),
        ];
        for (operation, is_write) in operations {
            if let Some(operation) = operation {
                self.adapt(path, operation, is_write);
            }
        }
        item
    }

    fn adapt(&self, path: &str, operation: &mut Operation, is_write: bool) {
        operation.tags = Some(vec![self.tag.to_owned()]);
        operation.operation_id = operation.operation_id.take().map(|id| id + self.suffix);
        let parameters = operation.parameters.get_or_insert_default();
        if self.is_legacy {
            operation.deprecated = Some(Deprecated::True);
            parameters.insert(0, user_id().into());
        }
        if is_write {
            parameters.push(idempotency_key().into());
        }
        let has_body = operation.request_body.is_some();
        let has_version = parameters.iter().any(|parameter| refusals::is_named(parameter, "If-Match"));
        let asked =
            refusals::Asked { is_legacy: self.is_legacy, has_id: path.contains("{task_id}"), has_body, has_version };
        refusals::add(&mut operation.responses, &asked);
    }
}

fn user_id() -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    let parameter = ParameterBuilder::new().name("user_id").parameter_in(ParameterIn::Path).required(Required::True);
    parameter.description(Some("The user of the token.")).schema(Some(text)).build()
}

fn idempotency_key() -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
    let text = text.pattern(Some("^[!-~]+$")).build();
    let parameter = ParameterBuilder::new().name("Idempotency-Key").parameter_in(ParameterIn::Header);
    let description = "A name for this request: repeated under it within 24 hours, it is answered as before, with \
                       `Idempotent-Replayed: true`, and not done again.";
    parameter.required(Required::False).description(Some(description)).schema(Some(text)).build()
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| Described::openapi().to_pretty_json().unwrap_or_default() + "\n");

/// The document, as `docs/openapi.json` has it.
#[must_use]
pub fn openapi() -> &'static str {
    &DOCUMENT
}

/// The document.
pub(super) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi()).into_response()
}

/// Swagger UI, from files in this program. It remembers the token it was given.
pub(super) fn swagger_ui() -> SwaggerUi {
    SwaggerUi::new("/docs").config(Config::new([PLACE]).persist_authorization(true).validator_url("none"))
}
