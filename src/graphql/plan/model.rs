//! A plan: one operation of a valid document, normalized once and bound to the variables of each request.

use std::sync::Arc;

use apollo_compiler::ast::Type;
use async_graphql::{Name, Pos, Value as ConstValue, parser::types::OperationType};
use async_graphql_value::Value;

/// One operation of a document.
pub(in crate::graphql) struct Plan {
    pub(in crate::graphql) name: Option<String>,
    pub(in crate::graphql) operation_type: OperationType,
    /// The only root field, or `several`.
    pub(in crate::graphql) root_field: Arc<str>,
    pub(super) variables: Vec<Variable>,
    pub(super) root: FieldSet,
}

/// A variable that the operation declares.
pub(super) struct Variable {
    pub(super) name: Name,
    pub(super) ty: Type,
    /// Coerced.
    pub(super) default: Option<ConstValue>,
}

/// Selected fields of one object type, fragments inlined, in document order.
pub(super) struct FieldSet {
    pub(super) fields: Vec<Field>,
    /// No field is conditional and no response key occurs twice, so binding has nothing to collect.
    pub(super) is_collected: bool,
}

/// One selected field.
pub(super) struct Field {
    pub(super) response_key: Name,
    pub(super) name: Name,
    pub(super) position: Pos,
    pub(super) arguments: Vec<(Name, Value)>,
    /// Variables in its arguments that must not be null.
    pub(super) required: Vec<Name>,
    pub(super) is_nullable: bool,
    pub(super) conditions: Vec<Condition>,
    /// Its selection set for each object type it can return. Empty for a leaf.
    pub(super) selections: Vec<TypedSet>,
    pub(super) size: Size,
}

/// The selection set for one object type.
pub(super) struct TypedSet {
    /// `None` if the field returns no other type.
    pub(super) on: Option<Name>,
    pub(super) set: FieldSet,
}

/// `@skip` or `@include` with a variable.
#[derive(Clone)]
pub(super) struct Condition {
    pub(super) variable: Name,
    /// The value of the variable that includes the field.
    pub(super) included_if: bool,
}

/// What a field adds to the size of the response.
pub(super) struct Size {
    pub(super) is_list: bool,
    pub(super) page: PageSize,
    /// Estimated bytes of one value with its key.
    pub(super) bytes: usize,
}

/// How many items the lists in a field have.
pub(super) enum PageSize {
    /// The parent field's page size.
    Inherited,
    /// That of `first`, `last` or `limit`, with this default.
    Sliced(usize),
    /// As many as the list in this argument has.
    PerInput(Name),
}
