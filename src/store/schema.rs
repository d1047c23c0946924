// @generated automatically by Diesel CLI.

diesel::table! {
    /// Writes that were done under a key of the client's, so that a repeated request is answered and not done again. Every row belongs to one user; row-level security is forced.
    idempotency_keys (user_id, key, part) {
        /// Whose key it is, as in tasks.
        user_id -> Text,
        /// The Idempotency-Key header: 1 to 255 visible ASCII characters.
        key -> Text,
        /// Which write of the request: 0 for REST, counted through for GraphQL.
        part -> Int4,
        /// A byte for the format, then the SHA-256 of what was asked for: the same key with another request is refused.
        fingerprint -> Bytea,
        /// What the write returned, as a JSON array, at most 1 MiB. Null only within the transaction that writes.
        outcome -> Nullable<Jsonb>,
        /// When it was done. It expires after 24 hours, and is then removed in the background.
        created_at -> Timestamptz,
    }
}

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

diesel::allow_tables_to_appear_in_same_query!(idempotency_keys, tasks,);
