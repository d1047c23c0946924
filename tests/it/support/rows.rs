//! Tables of cases: every bad row is reported, not just the first.

use std::{any::Any, fmt::Debug, panic::AssertUnwindSafe};

use futures::FutureExt;

/// Runs a test for each row, and then fails with all rows that failed.
#[track_caller]
pub fn check_all<R: Debug>(
    rows: impl IntoIterator<Item = R>,
    mut test: impl AsyncFnMut(R),
) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let (mut count, mut failures) = (0, Vec::new());
        for row in rows {
            count += 1;
            let name = format!("{row:.200?}");
            if let Err(panic) = AssertUnwindSafe(test(row)).catch_unwind().await {
                failures.push(format!("{name}\n{}", message(panic.as_ref())));
            }
        }
        assert!(count > 0, "{caller}: the table is empty");
        assert!(failures.is_empty(), "{caller}: {} of {count} rows\n\n{}", failures.len(), failures.join("\n\n"));
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

#[tokio::test]
async fn every_bad_row_is_reported() {
    let table = check_all([1, 2, 3, 4], async |row| assert!(row % 2 == 1, "even"));
    let panic = AssertUnwindSafe(table).catch_unwind().await.unwrap_err();
    let text = message(panic.as_ref());
    assert!(text.ends_with("2 of 4 rows\n\n2\neven\n\n4\neven"), "{text}");
}
