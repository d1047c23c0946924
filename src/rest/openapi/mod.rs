//! The OpenAPI 3.1 document. Handlers describe their operations without a prefix. Here each operation is repeated under
//! every prefix, and gets what all have in common: authentication, the idempotency key and the error responses.

mod deployment;
mod errors;
pub(super) mod schemas;

use std::sync::{Arc, LazyLock, OnceLock};

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware::map_response,
    response::Response,
    routing::get,
};
use bytes::Bytes;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Deprecated, Paths, RefOr,
        path::{Operation, Parameter, PathItem},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use self::schemas::{header_param, path_param, string};
use super::{
    error::ErrorBody,
    me,
    problem::ProblemDetails,
    routes::{self, PREFIXES},
    settings::RestSettings,
    tasks::push::{ChangeParams, StateParams},
    trash,
};
use crate::{
    state::SharedState,
    task::{KEY_LIFETIME, MAX_KEY},
};

/// Where the document is served.
const DOCUMENT_PATH: &str = "/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tandem",
        description = "The REST API of Tandem, a multi-user task backend. It is compatible with clients of the older \
                       FastAPI backends. The same operations are available through GraphQL, at `POST /graphql`.\n\n\
                       `HEAD` works wherever `GET` does, and trailing slashes are ignored.",
    ),
    paths(
        routes::list,
        routes::create,
        routes::bulk,
        routes::push,
        routes::changes,
        trash::list,
        trash::empty,
        trash::purge,
        trash::restore_many,
        routes::get,
        routes::update,
        routes::patch,
        routes::delete,
        routes::complete,
        me::erase,
        me::export,
        trash::restore,
    ),
    components(schemas(ErrorBody, ProblemDetails, ChangeParams, StateParams)),
    security(("bearer" = [])),
    tags(
        (name = "tasks", description = "The tasks of the token's user."),
        (name = "tasks, versioned", description = "The same routes with the API version in the path."),
        (name = "tasks, legacy", description = "The routes of the older backends, with the user in the path, who must \
                                                be the token's user."),
        (name = "me", description = "All that the token's user has."),
    ),
    modifiers(&UnderPrefixes),
)]
struct ApiDocument;

/// Repeats every operation under each prefix.
struct UnderPrefixes;

impl Modify for UnderPrefixes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.bearer_format = Some("JWT".to_owned());
        bearer.description = Some("A token from Better Auth or from `tandem token --user <id>`.".to_owned());
        if let Some(components) = &mut document.components {
            components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        }
        let described = std::mem::replace(&mut document.paths, Paths::new());
        let (of_user, of_tasks) = described.paths.iter().partition::<Vec<_>, _>(|(path, _)| path.starts_with("/api/"));
        for (path, item) in of_user {
            document.paths.paths.insert(path.clone(), ME.of(path, item.clone()));
        }
        for (prefix, variant) in PREFIXES.into_iter().zip(VARIANTS) {
            for (path, item) in &of_tasks {
                let path = format!("{prefix}{}", path.trim_end_matches('/'));
                document.paths.paths.insert(path.clone(), variant.of(&path, PathItem::clone(item)));
            }
        }
    }
}

/// How the operations under a prefix differ, in the order of [`PREFIXES`].
struct Variant {
    tag: &'static str,
    id_suffix: &'static str,
    is_legacy: bool,
    has_keys: bool,
}

const VARIANTS: [Variant; 3] = [
    Variant { tag: "tasks", id_suffix: "", is_legacy: false, has_keys: true },
    Variant { tag: "tasks, versioned", id_suffix: "V1", is_legacy: false, has_keys: true },
    Variant { tag: "tasks, legacy", id_suffix: "OfUser", is_legacy: true, has_keys: true },
];

/// The operations under no prefix. An erasure is safe to repeat, and leaves no keys.
const ME: Variant = Variant { tag: "me", id_suffix: "", is_legacy: false, has_keys: false };

/// The operations that may add tasks.
const CREATIONS: [&str; 4] = ["createTask", "changeTasks", "restoreTask", "restoreTasks"];

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
        let creates = operation.operation_id.as_deref().is_some_and(|id| CREATIONS.contains(&id));
        operation.operation_id = operation.operation_id.take().map(|id| id + self.id_suffix);
        let parameters = operation.parameters.get_or_insert_default();
        if self.is_legacy {
            operation.deprecated = Some(Deprecated::True);
            parameters.insert(0, path_param("user_id", "The token's user.", string()).into());
        }
        if is_write && self.has_keys {
            parameters.push(idempotency_key().into());
        }
        let traits = errors::Traits {
            is_legacy: self.is_legacy,
            has_id: path.contains("{task_id}"),
            has_body: operation.request_body.is_some(),
            creates,
            has_version: parameters.iter().any(|param| matches!(param, RefOr::T(param) if param.name == "If-Match")),
        };
        errors::add(&mut operation.responses, &traits);
    }
}

fn idempotency_key() -> Parameter {
    let key = string().min_length(Some(1)).max_length(Some(MAX_KEY)).pattern(Some("^[!-~]+$"));
    let description = format!(
        "Identifies this request. If it is repeated with the same key within {} hours, it is not executed again: the \
         response is the original one, with `Idempotent-Replayed: true`.",
        KEY_LIFETIME.num_hours()
    );
    header_param("Idempotency-Key", &description, key)
}

static DEFAULT: LazyLock<String> = LazyLock::new(|| document(RestSettings::default()));

/// The document of a server with the default settings, as in `docs/openapi.json`.
#[must_use]
pub fn openapi() -> &'static str {
    &DEFAULT
}

/// The document of a server with these settings.
fn document(rest: RestSettings) -> String {
    let mut document = ApiDocument::openapi();
    deployment::adapt(&mut document, rest);
    document.to_pretty_json().unwrap_or_default() + "\n"
}

/// The document and Swagger UI, which is part of the binary and remembers the token between visits.
pub(super) fn routes(rest: RestSettings) -> Router<SharedState> {
    // Made when it is asked for first.
    let cell = Arc::new(OnceLock::new());
    let served = async move || {
        let document: &Bytes = cell.get_or_init(|| document(rest).into());
        ([(header::CONTENT_TYPE, "application/json")], document.clone())
    };
    let config = Config::new([DOCUMENT_PATH]).persist_authorization(true).validator_url("none");
    let page = Router::from(SwaggerUi::new("/docs").config(config));
    page.layer(map_response(with_policy)).route(DOCUMENT_PATH, get(served))
}

/// The page runs only its own scripts and connects only to this server. Swagger UI sets styles from scripts.
async fn with_policy(mut response: Response) -> Response {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                          connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
