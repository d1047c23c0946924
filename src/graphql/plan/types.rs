//! The schema's types by name, read from its definition: async-graphql keeps its own table to itself, and what is done
//! here to variables and answers needs one.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Value,
    parser::{
        parse_schema,
        types::{
            FieldDefinition, InputObjectType, OperationType, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
        },
    },
};

/// Types by name.
#[derive(Debug, Default)]
pub(in crate::graphql) struct Types {
    inputs: HashMap<Name, Input>,
    fields: HashMap<Name, HashMap<Name, Type>>,
    roots: [Option<Name>; 2],
}

/// What can come in.
#[derive(Debug)]
pub(in crate::graphql) enum Input {
    /// Its own `parse` says what it takes.
    Scalar,
    /// One of these words.
    Enum(HashSet<Name>),
    /// These fields; exactly one of them if `is_one_of`.
    Object { fields: Vec<InputField>, is_one_of: bool },
}

/// A field of an input object.
#[derive(Debug)]
pub(in crate::graphql) struct InputField {
    pub(in crate::graphql) name: Name,
    pub(in crate::graphql) ty: Type,
    pub(in crate::graphql) default: Option<Value>,
}

impl Types {
    /// Of a schema in the schema definition language.
    pub(in crate::graphql) fn of(sdl: &str) -> Self {
        let mut types = Self::default();
        let document = parse_schema(sdl).inspect_err(|error| tracing::error!(%error, "the schema can't be read"));
        for definition in document.into_iter().flat_map(|document| document.definitions) {
            match definition {
                TypeSystemDefinition::Type(definition) => types.add(definition.node),
                TypeSystemDefinition::Schema(schema) => {
                    let schema = schema.node;
                    types.roots = [schema.query, schema.mutation].map(|root| root.map(|name| name.node));
                }
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        types
    }

    fn add(&mut self, definition: TypeDefinition) {
        let name = definition.name.node;
        let is_one_of = definition.directives.iter().any(|directive| directive.node.name.node == "oneOf");
        match definition.kind {
            TypeKind::Scalar => drop(self.inputs.insert(name, Input::Scalar)),
            TypeKind::Enum(words) => {
                let words = words.values.into_iter().map(|word| word.node.value.node).collect();
                self.inputs.insert(name, Input::Enum(words));
            }
            TypeKind::InputObject(object) => {
                self.inputs.insert(name, Input::Object { fields: input_fields(object), is_one_of });
            }
            TypeKind::Object(object) => drop(self.fields.insert(name, field_types(object.fields))),
            TypeKind::Interface(interface) => drop(self.fields.insert(name, field_types(interface.fields))),
            TypeKind::Union(_) => {}
        }
    }

    /// A type that can come in, unless it is one of GraphQL's own scalars.
    pub(in crate::graphql) fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.get(name)
    }

    /// The type of a field that goes out.
    pub(in crate::graphql) fn field(&self, of: &str, name: &str) -> Option<&Type> {
        self.fields.get(of)?.get(name)
    }

    /// Where an operation starts.
    pub(in crate::graphql) fn root(&self, operation: OperationType) -> Option<&Name> {
        let [query, mutation] = &self.roots;
        match operation {
            OperationType::Query => query.as_ref(),
            OperationType::Mutation => mutation.as_ref(),
            OperationType::Subscription => None,
        }
    }
}

fn input_fields(object: InputObjectType) -> Vec<InputField> {
    let field = |field: async_graphql::Positioned<async_graphql::parser::types::InputValueDefinition>| InputField {
        name: field.node.name.node,
        ty: field.node.ty.node,
        default: field.node.default_value.map(|value| value.node),
    };
    object.fields.into_iter().map(field).collect()
}

fn field_types(fields: Vec<async_graphql::Positioned<FieldDefinition>>) -> HashMap<Name, Type> {
    fields.into_iter().map(|field| (field.node.name.node, field.node.ty.node)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_schema_is_read() {
        let types = Types::of(&crate::graphql::sdl());
        assert_eq!(types.root(OperationType::Query).map(Name::as_str), Some("Query"));
        assert_eq!(types.root(OperationType::Mutation).map(Name::as_str), Some("Mutation"));
        assert_eq!(types.field("Task", "title").map(ToString::to_string).as_deref(), Some("String!"));
        assert!(matches!(types.input("CreateTaskInput"), Some(Input::Object { .. })));
        assert!(matches!(types.input("TaskStatus"), Some(Input::Enum(_))));
        assert!(matches!(types.input("DateTime"), Some(Input::Scalar)));
    }
}
