//! The tables of a database, and which of them have tasks and tags.

use crate::moving::record::folded;

/// Where tasks are looked for.
const TASK_TABLES: [&str; 4] = ["task", "tasks", "todo", "todos"];
/// Tables that connect tasks with tags, or have the tags of tasks.
const TAG_LINKS: [&str; 12] = [
    "tasktag",
    "tasktags",
    "taskstags",
    "tasktaglink",
    "tasktaglinks",
    "todotag",
    "todotags",
    "todostags",
    "todotaglink",
    "tagtask",
    "tag",
    "tags",
];
const TAG_TABLES: [&str; 4] = ["tag", "tags", "tasktag", "label"];
const TASK_REFERENCES: [&str; 2] = ["taskid", "todoid"];
const TAG_NAMES: [&str; 4] = ["name", "tagname", "tag", "label"];

/// A table and its columns.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) schema: Option<String>,
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    /// The full names of the tables that its rows belong to.
    pub(super) references: Vec<String>,
}

/// In double quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Table {
    /// The name for a statement.
    pub(super) fn quoted(&self) -> String {
        let schema = self.schema.iter().map(|schema| quoted(schema) + ".").collect::<String>();
        schema + &quoted(&self.name)
    }

    fn column(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.columns.iter().find(|column| folded(column) == **name)).map(String::as_str)
    }

    /// The name for people, which `--table` takes.
    pub(super) fn full_name(&self) -> String {
        self.schema.as_ref().map_or_else(|| self.name.clone(), |schema| format!("{schema}.{}", self.name))
    }

    fn is(&self, name: &str) -> bool {
        self.name == name || self.schema.is_some() && self.full_name() == name
    }
}

/// The table with this name, or the one that has a known name.
pub(super) fn find(tables: &[Table], name: Option<&str>) -> Result<Table, String> {
    let names = |tables: &mut dyn Iterator<Item = &Table>| tables.map(Table::full_name).collect::<Vec<_>>().join(", ");
    let found: Vec<_> = match name {
        Some(name) => tables.iter().filter(|table| table.is(name)).collect(),
        None => tables.iter().filter(|table| TASK_TABLES.contains(&folded(&table.name).as_str())).collect(),
    };
    match found.as_slice() {
        [table] => Ok((*table).clone()),
        [] => {
            let wanted = name.map_or_else(|| TASK_TABLES.join(", "), ToOwned::to_owned);
            Err(format!("there is no table {wanted}: name one with --table. There are: {}", names(&mut tables.iter())))
        }
        several => Err(format!(
            "more than one table may have the tasks, name one with --table: {}",
            names(&mut several.iter().copied())
        )),
    }
}

/// How the tags of tasks are read from other tables.
#[derive(Clone, Debug)]
pub(super) struct TagTable {
    pub(super) name: String,
    /// What to select from, with the columns `task` and `name`.
    pub(super) query: String,
}

/// The table with the tags of these tasks, if there is one.
pub(super) fn find_tags(tables: &[Table], tasks: &Table) -> Option<TagTable> {
    let near = |table: &&Table| table.schema == tasks.schema && table.name != tasks.name;
    let links =
        TAG_LINKS.iter().filter_map(|name| tables.iter().filter(near).find(|table| folded(&table.name) == *name));
    let mut found = links.filter_map(|link| {
        let task = quoted(link.column(&TASK_REFERENCES)?);
        let from = link.quoted();
        let query = match link.column(&["tagid"]) {
            Some(tag) => {
                let is_tags =
                    |table: &&Table| TAG_TABLES.contains(&folded(&table.name).as_str()) && table.name != link.name;
                let tags = tables.iter().filter(near).find(is_tags)?;
                let (id, name) = (quoted(tags.column(&["id"])?), quoted(tags.column(&TAG_NAMES)?));
                let (tags, tag) = (tags.quoted(), quoted(tag));
                format!(
                    "SELECT l.{task} AS task, g.{name} AS name FROM {from} AS l JOIN {tags} AS g ON g.{id} = l.{tag}"
                )
            }
            None => format!("SELECT {task} AS task, {} AS name FROM {from}", quoted(link.column(&TAG_NAMES)?)),
        };
        Some(TagTable { name: link.name.clone(), query })
    });
    found.next()
}

/// The names of the other tables whose rows belong to tasks, and which nothing reads.
pub(super) fn find_others(tables: &[Table], tasks: &Table, tags: Option<&TagTable>) -> Vec<String> {
    let is_other = |table: &&Table| {
        let is_read = tags.is_some_and(|tags| table.schema == tasks.schema && table.name == tags.name);
        let name = tasks.full_name();
        let refers = table.column(&TASK_REFERENCES).is_some()
            || table.references.iter().any(|reference| reference.eq_ignore_ascii_case(&name));
        refers && !is_read && table.full_name() != name
    };
    tables.iter().filter(is_other).map(Table::full_name).collect()
}
