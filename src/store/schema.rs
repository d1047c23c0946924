// @generated automatically by Diesel CLI.

diesel::table! {
    /// To-do items. Every row belongs to one user; row-level security is forced.
    tasks (user_id, id) {
        /// The owner: the user-id claim of a token, 1 to 255 bytes. No foreign key, users live in Better Auth.
        user_id -> Text,
        /// UUIDv7 made by the server, unique within its owner.
        id -> Uuid,
        /// 1 to 200 characters.
        title -> Text,
        /// At most 1000 characters; null when there is none.
        description -> Nullable<Text>,
        /// Whether the task is done.
        completed -> Bool,
        /// 1 when created, one more at each change: the ETag and the expected version of an update.
        version -> Int8,
        /// When the task was created; microseconds, UTC.
        created_at -> Timestamptz,
        /// When the task last changed; microseconds, UTC.
        updated_at -> Timestamptz,
    }
}
