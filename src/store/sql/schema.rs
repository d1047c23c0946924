// @generated automatically by Diesel CLI.

diesel::table! {
    /// Tombstones of deleted tasks, with what the tasks said while they are in the trash. Every row belongs to one user; row-level security is forced.
    deleted_tasks (user_id, position, id) {
        /// The owner of the task, as in tasks.
        user_id -> Text,
        /// When it was deleted. Kept for 31 days, then removed in the background, but for the newest of each user.
        deleted_at -> Timestamptz,
        /// The id it had in tasks.
        id -> Uuid,
        /// One more than the version it had.
        version -> Int8,
        /// The position of the deletion in the user's change feed, as in tasks.
        position -> Int8,
        /// The title the task had; null once what it said is gone.
        title -> Nullable<Text>,
        /// The description it had; null as in tasks, and once what it said is gone.
        description -> Nullable<Text>,
        /// Whether it was done; null once what it said is gone.
        completed -> Nullable<Bool>,
        /// When it was created; null once what it said is gone. So it says whether the task is in the trash, also to those who may not read what it said.
        created_at -> Nullable<Timestamptz>,
        /// When it last changed before it was deleted; null once what it said is gone.
        updated_at -> Nullable<Timestamptz>,
        /// The priority it had, as in tasks; null once what it said is gone.
        priority -> Nullable<Int2>,
        /// The day when it was due, as in tasks.
        due_date -> Nullable<Date>,
        /// The time of day when it was due, as in tasks.
        due_time -> Nullable<Time>,
        /// The time zone of that time, as in tasks.
        due_zone -> Nullable<Text>,
        /// The instant when it was due, as in tasks.
        due_at -> Nullable<Timestamptz>,
        /// The tags it had; null once what it said is gone.
        tags -> Nullable<Array<Nullable<Text>>>,
        /// When it was completed, as in tasks.
        completed_at -> Nullable<Timestamptz>,
        /// The tags in folded case, as in tasks.
        tag_keys -> Nullable<Array<Nullable<Text>>>,
    }
}

diesel::table! {
    /// A single row, shared by all users. Holds no user data.
    feed_era (era) {
        /// A number that every cursor of the change feed carries. A new one makes all clients start over.
        era -> Int4,
    }
}

diesel::table! {
    /// Writes done under clients' idempotency keys, so that a retried request is answered instead of repeated. Every row belongs to one user; row-level security is forced.
    idempotency_keys (user_id, key, part) {
        /// The owner of the key, as in tasks.
        user_id -> Text,
        /// The Idempotency-Key header: 1 to 255 visible ASCII characters.
        key -> Text,
        /// Which write of the request: 0 for REST, numbered across the whole request for GraphQL.
        part -> Int4,
        /// A format byte, then the SHA-256 of the request. Reusing the key for a different request is refused.
        fingerprint -> Bytea,
        /// What the write returned, as a JSON array, at most 1 MiB. Null only within the transaction that writes.
        outcome -> Nullable<Jsonb>,
        /// When the write was done. The key expires after 24 hours, and is then removed in the background.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// To-do items. Every row belongs to one user; row-level security is forced.
    tasks (user_id, id) {
        /// The owner: the user id claim of the token, 1 to 255 bytes. No foreign key: users live in Better Auth.
        user_id -> Text,
        /// A UUID, unique within its owner: version 7 if the server made it, 4 or 7 if a client did.
        id -> Uuid,
        /// 1 to 200 characters.
        title -> Text,
        /// At most 1000 characters; null when there is none.
        description -> Nullable<Text>,
        /// Whether the task is done.
        completed -> Bool,
        /// 1 when created, incremented by each change: the ETag, and the expected version of an update.
        version -> Int8,
        /// When the task was created; microseconds, UTC.
        created_at -> Timestamptz,
        /// When the task last changed; microseconds, UTC.
        updated_at -> Timestamptz,
        /// The position of the last change in the user's change feed: greater than that of every earlier change, whatever clocks do.
        position -> Int8,
        /// 0 for none, 1 low, 2 medium, 3 high, 4 urgent.
        priority -> Int2,
        /// The day when the task is due; null if it is never due.
        due_date -> Nullable<Date>,
        /// The time of day by the wall clock; null if the task is due on a day.
        due_time -> Nullable<Time>,
        /// The IANA time zone of the time; null if it is meant wherever the user is.
        due_zone -> Nullable<Text>,
        /// What lists are sorted and filtered by: the instant of the due date and time, without a zone as if in UTC, and of a day its end.
        due_at -> Nullable<Timestamptz>,
        /// The tags as they were sent, each 1 to 50 characters; no two differ only in case.
        tags -> Array<Nullable<Text>>,
        /// When the task was completed; null while it is pending, and if it was completed by a release without this column.
        completed_at -> Nullable<Timestamptz>,
        /// The tags in folded case, by which they are found; null when there are none.
        tag_keys -> Nullable<Array<Nullable<Text>>>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(deleted_tasks, feed_era, idempotency_keys, tasks,);
