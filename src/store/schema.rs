// @generated automatically by Diesel CLI.

diesel::table! {
    /// To-do items. Every row belongs to one user; row-level security is forced.
    tasks (user_id, id) {
        /// The owner
        user_id -> Text,
        /// UUIDv7
        id -> Uuid,
        /// 1 to 200 characters.
        title -> Text,
        /// At most 1000 characters; null when there is none.
        description -> Nullable<Text>,
        /// Whether the task is done.
        completed -> Bool,
        /// 1 when created
        version -> Int8,
        /// When
        created_at -> Timestamptz,
        /// When
        updated_at -> Timestamptz,
    }
}
