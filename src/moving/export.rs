//! The export: all that a user has, a page at a time, as lines of JSON.

use uuid::Uuid;

use super::line::Line;
use crate::{
    error::{Error, Result},
    store::UserTasks,
    task::{Cursor, Filter, Limit, ListKey, PageRequest, Position, SortColumn, TaskSort, TrashedTask},
};

/// Everything of one user, then what is in the trash, each in the order of the last changes, in which lists can be sorted; then
/// the tasks that changed meanwhile, as one that was restored is in neither otherwise. So a task may be in it twice.
pub struct Export {
    tasks: UserTasks,
    state: State,
    /// The last task that was read.
    last: Option<Cursor>,
}

enum State {
    Tasks,
    /// Behind this deletion.
    Trash(Position),
    Changed,
    Done,
}

/// A part of an export.
pub struct Lines {
    /// Each ends with a line break.
    pub text: String,
    /// How many there are.
    pub count: usize,
}

impl Export {
    /// Of these tasks.
    #[must_use]
    pub fn new(tasks: UserTasks) -> Self {
        Self { tasks, state: State::Tasks, last: None }
    }

    /// The next lines; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Lines>> {
        match self.state {
            State::Tasks => self.next_tasks(State::Trash(Position { number: 0, id: Uuid::nil() })).await.map(Some),
            State::Trash(after) => self.next_trash(after).await.map(Some),
            State::Changed => self.next_tasks(State::Done).await.map(Some),
            State::Done => Ok(None),
        }
    }

    /// The next tasks, and at their end the next state.
    async fn next_tasks(&mut self, next: State) -> Result<Lines> {
        let sort = TaskSort::ascending(SortColumn::Updated);
        let after = self.last.clone();
        let request = PageRequest { sort, limit: Limit::STREAMED, after, ..PageRequest::default() };
        let page = self.tasks.list(Filter::default(), request).await?;
        if let Some(task) = page.tasks.last() {
            self.last = Some(Cursor::of(task, ListKey::of(sort, &Filter::default())));
        }
        if !page.has_next {
            self.state = next;
        }
        lines(page.tasks.iter().map(Line::from))
    }

    async fn next_trash(&mut self, after: Position) -> Result<Lines> {
        let page = self.tasks.trash_after(after, Limit::STREAMED).await?;
        let is_full = i64::try_from(page.len()).is_ok_and(|length| length == Limit::STREAMED.get());
        let last = page.last().filter(|_| is_full).map(|TrashedTask { task, .. }| task);
        self.state =
            last.map_or(State::Changed, |task| State::Trash(Position { number: task.position, id: task.id.as_uuid() }));
        lines(page.iter().map(Line::from))
    }
}

fn lines<'a>(lines: impl Iterator<Item = Line<'a>>) -> Result<Lines> {
    let (mut text, mut count) = (String::new(), 0);
    for line in lines {
        text += &serde_json::to_string(&line).map_err(Error::internal)?;
        text.push('\n');
        count += 1;
    }
    Ok(Lines { text, count })
}
