//! How a tombstone loses what its task said.

/// Sets all columns of `deleted_tasks` that have something of the task to null, for `concat!`.
macro_rules! emptied {
    () => {
        "title = NULL, description = NULL, completed = NULL, created_at = NULL, updated_at = NULL, priority = NULL, \
         due_date = NULL, due_time = NULL, due_zone = NULL, due_at = NULL, tags = NULL, completed_at = NULL, \
         tag_keys = NULL"
    };
}
pub(in crate::store) use emptied;

#[cfg(test)]
mod tests {
    use diesel::{QueryDsl, debug_query, pg::Pg};

    use crate::store::sql::schema::deleted_tasks;

    #[test]
    fn nothing_of_the_task_is_left() {
        const KEPT: [&str; 5] = ["user_id", "deleted_at", "id", "version", "position"];
        let select = debug_query::<Pg, _>(&deleted_tasks::table.select(deleted_tasks::all_columns)).to_string();
        let columns = select.split(" FROM ").next().unwrap();
        let columns = columns.split('"').skip(3).step_by(4).filter(|column| !KEPT.contains(column));
        let emptied: Vec<_> = columns.map(|column| format!("{column} = NULL")).collect();
        assert_eq!(emptied!(), emptied.join(", "));
    }
}
