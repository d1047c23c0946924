//! The import: reads a source, and writes what fits in batches, each in a transaction of its user.
//!
//! Ids are the same each time, and a task that is there is left as it is. So importing twice is importing once, and an import
//! that was killed is resumed by running it again.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    task::JoinSet,
    time::sleep,
};

use super::{
    id_map::IdMap,
    mapping::{Mapped, Mapping, Rename, Rules},
    progress::{Progress, rate},
    record::Record,
    report::Report,
    sources::Source,
};
use crate::{
    auth::CurrentUser,
    error::{Code, Error},
    store::{Db, UserTasks},
    task::{ImportedTask, TaskId, TimeZone},
};

/// How many tasks one transaction adds.
const BATCH: usize = 250;
/// How many tasks wait for others of their user.
const MAX_WAITING: usize = 20_000;
/// How many transactions run at once.
const WRITERS: usize = 4;
/// How often a batch is tried while the database is away, and the pause in between.
const ATTEMPTS: u32 = 30;
const PAUSE: Duration = Duration::from_secs(1);

/// What to import, and how.
#[derive(Clone, Debug)]
pub struct Import {
    /// A URL or a file.
    pub place: String,
    /// The table, if its name isn't known.
    pub table: Option<String>,
    /// Columns whose names aren't known.
    pub renames: Vec<Rename>,
    /// The zone of due times without an offset or a zone. If there is none, they are in UTC, or meant wherever the user is if a
    /// column has zones, as in an export of Tandem.
    pub timezone: Option<TimeZone>,
    /// What ids are made of, besides the table and the old ids.
    pub source: String,
    /// Where old and new ids of tasks that are there afterwards are written.
    pub id_map: Option<PathBuf>,
    /// Whether titles and descriptions that are too long are cut.
    pub truncates: bool,
    /// How long deleted tasks are in the trash. Those that were deleted before are left out.
    pub trash_lifetime: TimeDelta,
    /// How many tasks a user may have.
    pub quota: u32,
}

/// How many tasks there were.
#[derive(Clone, Copy, Debug, Default)]
pub struct Imported {
    /// Records that were read.
    pub read: u64,
    /// Tasks that were changed to make them fit.
    pub changed: u64,
    /// Records and tasks that were left out.
    pub left_out: u64,
    /// Tasks that were added.
    pub added: u64,
    /// Tasks that were there already, or were deleted since.
    pub present: u64,
}

/// Reads a source and reports what is in it; with a database, also writes it there.
pub async fn import(import: &Import, db: Option<&Db>, out: impl std::io::Write) -> Result<Imported, String> {
    let source = Source::open(&import.place, import.table.as_deref()).await?;
    let rules = Rules {
        timezone: import.timezone.clone(),
        source: import.source.clone(),
        table: source.table().unwrap_or("tasks").to_owned(),
        truncates: import.truncates,
    };
    let mapping = Mapping::find(source.columns(), &import.renames, rules)?;
    let id_map = import.id_map.as_deref().map(|path| IdMap::create(path, &import.place)).transpose()?;
    let mut report = Report::new(out);
    report.begin(&source, &mapping).map_err(said)?;
    let mut progress = Progress::new(source.count());
    let trash_begins = Utc::now() - import.trash_lifetime;
    let (seen, counts) = (Seen::default(), Imported::default());
    let mut run = Run { trash_begins, mapping, report, seen, counts, live: BTreeMap::new() };
    let mut writer = db.map(|db| Writer::new(db, id_map));
    let mut records = source.read(&run.mapping);
    while let Some(batch) = records.recv().await {
        for record in batch? {
            let Some((place, mapped)) = run.take(&record).map_err(said)? else { continue };
            if let Some(writer) = &mut writer {
                let Mapped { user, old_id, task, deleted_at, .. } = mapped;
                writer.push(user, Waiting { task, deleted_at, place, old_id }).await?;
            } else if mapped.deleted_at.is_none() {
                *run.live.entry(mapped.user.id().to_owned()).or_default() += 1;
            }
        }
        progress.at(run.counts.read);
    }
    progress.clear();
    if let Some(writer) = writer {
        let Written { added, present, refused, .. } = writer.finish().await?;
        for place in &refused {
            let reason = "the user would have more tasks than MAX_TASKS_PER_USER";
            run.report.left_out_because(place, reason).map_err(said)?;
        }
        (run.counts.added, run.counts.present) = (added, present);
        run.counts.left_out += refused.len() as u64;
    } else {
        run.leave_out_excess(import.quota.into()).map_err(said)?;
    }
    let counts = run.counts;
    run.report.end(&summary(&counts, db.is_some(), &progress)).map_err(said)?;
    Ok(counts)
}

fn summary(counts: &Imported, is_written: bool, progress: &Progress) -> Vec<String> {
    let Imported { read, changed, left_out, added, present } = counts;
    let mut lines = vec![format!("{read} read, {left_out} left out, {changed} changed")];
    if is_written {
        let elapsed = progress.elapsed();
        let rate = rate(*read, elapsed);
        lines.push(format!(
            "{added} added, {present} there before, in {:.1} s, {rate} per second",
            elapsed.as_secs_f64()
        ));
    } else {
        lines.push("nothing was written: this was a dry run. --apply writes".to_owned());
    }
    lines
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// One pass over the records.
struct Run<W> {
    /// What was deleted before is in no trash.
    trash_begins: DateTime<Utc>,
    mapping: Mapping,
    report: Report<W>,
    seen: Seen,
    counts: Imported,
    /// How many tasks that aren't deleted each user would have, if nothing is written.
    live: BTreeMap<String, u64>,
}

impl<W: std::io::Write> Run<W> {
    /// The task of a record, and what it is called; `None` if it is left out.
    fn take(&mut self, record: &Record) -> std::io::Result<Option<(String, Mapped)>> {
        self.counts.read += 1;
        self.report.count_unknown(record, &self.mapping);
        let place = self.place(record);
        let left_out = match self.mapping.read(record) {
            Err(flaws) => {
                self.counts.left_out += 1;
                self.report.left_out(&place, &flaws)?;
                return Ok(None);
            }
            Ok(mapped) if mapped.deleted_at.is_some_and(|time| time <= self.trash_begins) => {
                "it was deleted, and is too old for the trash"
            }
            Ok(mapped) if !self.seen.insert(&mapped) => "another one before it has the same id",
            Ok(mapped) => {
                if !mapped.changes.is_empty() {
                    self.counts.changed += 1;
                    self.report.changed(&place, &mapped.changes)?;
                }
                self.report.sample(&mapped);
                return Ok(Some((place, mapped)));
            }
        };
        self.counts.left_out += 1;
        self.report.left_out_because(&place, left_out)?;
        Ok(None)
    }

    /// Names the users who would have too many tasks, even if they have none yet.
    fn leave_out_excess(&mut self, quota: u64) -> std::io::Result<()> {
        for (user, count) in &self.live {
            let excess = count.saturating_sub(quota);
            if excess > 0 {
                self.counts.left_out += excess;
                let reason = format!("{excess} of {count} tasks are more than MAX_TASKS_PER_USER");
                self.report.left_out_because(&format!("user {user}"), &reason)?;
            }
        }
        Ok(())
    }

    fn place(&self, record: &Record) -> String {
        match (record.line, self.mapping.id_of(record)) {
            (Some(line), _) => format!("line {line}"),
            (None, Some(id)) if !id.is_null() => format!("id {id}"),
            _ => format!("record {}", self.counts.read),
        }
    }
}

/// The ids that were read. Files may have one twice.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    ids: HashSet<(u64, u128)>,
}

impl Seen {
    /// Whether it is the first one of its user with this id.
    fn insert(&mut self, mapped: &Mapped) -> bool {
        self.ids.insert((self.hasher.hash_one(mapped.user.id()), mapped.task.id.as_uuid().as_u128()))
    }
}

/// A task that waits to be written, and what it is called.
#[derive(Clone)]
struct Waiting {
    task: ImportedTask,
    deleted_at: Option<DateTime<Utc>>,
    place: String,
    old_id: String,
}

/// What became of tasks.
#[derive(Default)]
struct Written {
    added: u64,
    present: u64,
    /// Those beyond the quota of their user.
    refused: Vec<String>,
    /// The others, each with its user, its old id and its new id.
    kept: Vec<[String; 3]>,
}

impl Written {
    fn keep(&mut self, user: &CurrentUser, tasks: Vec<Waiting>) {
        let line = |Waiting { task, old_id, .. }| [user.id().to_owned(), old_id, task.id.to_string()];
        self.kept.extend(tasks.into_iter().map(line));
    }
}

/// Collects tasks by user, and writes them in batches.
struct Writer<'a> {
    db: &'a Db,
    waiting: HashMap<Arc<str>, (CurrentUser, Vec<Waiting>)>,
    count: usize,
    running: JoinSet<Result<Written, Error>>,
    /// The ends of each user's last batch: the next one begins then, so that tasks keep their order.
    ends: HashMap<Arc<str>, oneshot::Receiver<()>>,
    written: Written,
    id_map: Option<IdMap>,
}

impl<'a> Writer<'a> {
    fn new(db: &'a Db, id_map: Option<IdMap>) -> Self {
        Self {
            db,
            waiting: HashMap::new(),
            count: 0,
            running: JoinSet::new(),
            ends: HashMap::new(),
            written: Written::default(),
            id_map,
        }
    }

    async fn push(&mut self, user: CurrentUser, task: Waiting) -> Result<(), String> {
        let key = Arc::clone(user.shared_id());
        let (_, batch) = self.waiting.entry(Arc::clone(&key)).or_insert_with(|| (user, Vec::new()));
        batch.push(task);
        self.count += 1;
        if batch.len() >= BATCH {
            self.flush(&key).await?;
        }
        if self.count >= MAX_WAITING {
            self.flush_all().await?;
        }
        Ok(())
    }

    async fn flush(&mut self, user: &Arc<str>) -> Result<(), String> {
        let Some((current, batch)) = self.waiting.remove(user) else { return Ok(()) };
        self.count -= batch.len();
        if self.running.len() >= WRITERS {
            self.join().await?;
        }
        let (end, ended) = oneshot::channel();
        let before = self.ends.insert(Arc::clone(user), ended);
        let tasks = self.db.tasks(current);
        self.running.spawn(async move {
            if let Some(before) = before {
                // It is dropped.
                let _ = before.await;
            }
            let written = write(tasks, batch).await;
            drop(end);
            written
        });
        Ok(())
    }

    async fn flush_all(&mut self) -> Result<(), String> {
        let users: Vec<_> = self.waiting.keys().cloned().collect();
        for user in users {
            self.flush(&user).await?;
        }
        self.ends.retain(|_, end| end.try_recv() == Err(TryRecvError::Empty));
        Ok(())
    }

    async fn join(&mut self) -> Result<(), String> {
        let Some(written) = self.running.join_next().await else { return Ok(()) };
        let written = written.map_err(said)?;
        let Written { added, present, refused, kept } = written.map_err(|error| {
            format!("{}. What was written stays: run the same command again to go on", error.report())
        })?;
        self.written.added += added;
        self.written.present += present;
        self.written.refused.extend(refused);
        if let Some(id_map) = &mut self.id_map {
            id_map.write(&kept)?;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Written, String> {
        self.flush_all().await?;
        while !self.running.is_empty() {
            self.join().await?;
        }
        if let Some(id_map) = self.id_map {
            id_map.finish()?;
        }
        Ok(self.written)
    }
}

/// Writes tasks of one user. Of those that are too many, as many as there is room for.
async fn write(tasks: UserTasks, batch: Vec<Waiting>) -> Result<Written, Error> {
    let mut written = Written::default();
    let (deleted, batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(|waiting| waiting.deleted_at.is_some());
    // From the end: what is deleted needs no room.
    let mut left: Vec<_> = [batch, deleted].into_iter().filter(|batch| !batch.is_empty()).collect();
    let mut is_full = false;
    while let Some(batch) = left.pop() {
        let ids = || batch.iter().map(|waiting| waiting.task.id);
        let added = if is_full { None } else { add(&tasks, &batch).await? };
        if let Some(added) = added {
            written.added += added.len() as u64;
            written.present += (batch.len() - added.len()) as u64;
            written.keep(tasks.user(), batch);
            continue;
        }
        // What is there already needs no room.
        let taken: HashSet<_> = tasks.taken(ids().collect()).await?.into_iter().collect();
        written.present += taken.len() as u64;
        let (there, mut rest): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|waiting| taken.contains(&waiting.task.id));
        written.keep(tasks.user(), there);
        match rest.len() {
            0 => {}
            _ if is_full => written.refused.extend(rest.into_iter().map(|waiting| waiting.place)),
            _ if !taken.is_empty() => left.push(rest),
            1 => {
                is_full = true;
                written.refused.extend(rest.into_iter().map(|waiting| waiting.place));
            }
            length => {
                let second = rest.split_off(length / 2);
                left.extend([second, rest]);
            }
        }
    }
    Ok(written)
}

/// Adds a batch, again while the database is away. `None` if the user would have too many tasks.
async fn add(tasks: &UserTasks, batch: &[Waiting]) -> Result<Option<Vec<TaskId>>, Error> {
    let is_trash = batch.iter().any(|waiting| waiting.deleted_at.is_some());
    let mut attempts = 0;
    loop {
        let added = if is_trash {
            let trash = batch.iter().filter_map(|waiting| Some((waiting.task.clone(), waiting.deleted_at?)));
            tasks.import_trash(trash.collect()).await
        } else {
            tasks.import(batch.iter().map(|waiting| waiting.task.clone()).collect()).await
        };
        match added {
            Err(error) if error.code() == Code::QuotaExceeded => return Ok(None),
            Err(error) if error.code() == Code::ServiceUnavailable && attempts < ATTEMPTS => attempts += 1,
            added => return added.map(Some),
        }
        sleep(PAUSE).await;
    }
}
