//! The schema in apollo-compiler's model, for validation and planning, parsed from async-graphql's SDL.

use std::collections::HashMap;

use apollo_compiler::{
    Name, Schema,
    ast::{DirectiveList, FieldDefinition, Type},
    name,
    schema::{Component, ExtendedType},
    validation::Valid,
};

/// The type definitions and their possible types.
pub(in crate::graphql) struct Definitions {
    schema: Valid<Schema>,
    possible_types: HashMap<Name, Vec<Name>>,
}

impl Definitions {
    /// From our own schema. A test proves that it parses; with an empty schema every document would be invalid.
    pub(in crate::graphql) fn new(sdl: &str) -> Self {
        let empty = |error| {
            tracing::error!(%error, "can't parse the schema");
            Self { schema: Valid::assume_valid(Schema::new()), possible_types: HashMap::new() }
        };
        Self::parse(sdl).unwrap_or_else(empty)
    }

    /// From any schema.
    pub(super) fn parse(sdl: &str) -> Result<Self, String> {
        let mut schema = Schema::parse(sdl, "schema.graphql").map_err(|failed| failed.errors.to_string())?;
        add_is_one_of(&mut schema);
        let schema = schema.validate().map_err(|failed| failed.errors.to_string())?;
        let possible_types = schema.implementers_map().into_iter();
        let mut possible_types: HashMap<_, _> =
            possible_types.map(|(name, types)| (name, types.objects.into_iter().collect::<Vec<_>>())).collect();
        for (name, ty) in &schema.types {
            if let ExtendedType::Union(union) = ty {
                possible_types.insert(name.clone(), union.members.iter().map(|member| member.name.clone()).collect());
            }
        }
        Ok(Self { schema, possible_types })
    }

    pub(in crate::graphql) fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// The object types of an abstract type. An object type is its own only one.
    pub(in crate::graphql) fn possible_types<'a>(&'a self, name: &'a Name) -> &'a [Name] {
        self.possible_types.get(name).map_or(std::slice::from_ref(name), Vec::as_slice)
    }

    /// Whether a fragment with this type condition applies to an object of this type.
    pub(in crate::graphql) fn applies(&self, condition: &Name, object: &Name) -> bool {
        condition == object || self.schema.is_subtype(condition, object)
    }
}

/// async-graphql serves `__Type.isOneOf`, which apollo-compiler 1.33 doesn't know yet.
fn add_is_one_of(schema: &mut Schema) {
    if let Some(ExtendedType::Object(object)) = schema.types.get_mut("__Type") {
        let field = FieldDefinition {
            description: None,
            name: name!("isOneOf"),
            arguments: Vec::new(),
            ty: Type::Named(name!("Boolean")),
            directives: DirectiveList::default(),
        };
        object.make_mut().fields.insert(name!("isOneOf"), Component::new(field));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_schema_parses() {
        let definitions = Definitions::parse(&crate::graphql::sdl()).unwrap();
        assert_eq!(definitions.possible_types(&name!("Node")), [name!("Task")]);
        assert_eq!(definitions.possible_types(&name!("Task")), [name!("Task")]);
        assert_eq!(definitions.possible_types(&name!("TaskChange")), [name!("Task"), name!("DeletedTask")]);
        assert!(definitions.applies(&name!("Node"), &name!("Task")));
        assert!(definitions.applies(&name!("TaskChange"), &name!("DeletedTask")));
        assert!(!definitions.applies(&name!("Node"), &name!("Viewer")));
    }
}
