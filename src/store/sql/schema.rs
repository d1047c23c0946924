// @generated automatically by Diesel CLI.

diesel::table! {
    /// Which tasks were deleted, and nothing of what they said. Every row belongs to one user; row-level security is forced.
    deleted_tasks (user_id, position, id) {
        /// Whose task it was, as in tasks.
        user_id -> Text,
        /// When it was deleted. Kept for 31 days, then removed in the background.
        deleted_at -> Timestamptz,
        /// The id it had in tasks.
        id -> Uuid,
        /// One more than the version it had.
        version -> Int8,
        /// The place of the deletion in the user's change feed, as in tasks.
        position -> Int8,
    }
}

diesel::table! {
    /// One row, the same for all users. No rows of users.
    feed_era (era) {
        /// A number that every cursor of the change feed carries. A new one makes all clients start over.
        era -> Int4,
    }
}

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
        /// The place of the last change in the user's change feed: more than that of every earlier change, whatever clocks do.
        position -> Int8,
    }
}

diesel::allow_tables_to_appear_in_same_query!(deleted_tasks, feed_era, idempotency_keys, tasks,);
