//! How far it is: one line that is rewritten on a terminal, and a line now and then elsewhere. On standard error, so that the
//! report can be kept.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

/// How often it is written, on a terminal and elsewhere.
const ON_TERMINAL: Duration = Duration::from_millis(200);
const ELSEWHERE: Duration = Duration::from_secs(5);
const WIDTH: u64 = 30;

pub(super) struct Progress {
    total: u64,
    started: Instant,
    written: Instant,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn new(total: u64) -> Self {
        let now = Instant::now();
        Self { total, started: now, written: now, is_terminal: stderr().is_terminal() }
    }

    pub(super) fn at(&mut self, done: u64) {
        let pause = if self.is_terminal { ON_TERMINAL } else { ELSEWHERE };
        if self.written.elapsed() < pause {
            return;
        }
        self.written = Instant::now();
        let line = line(done, self.total, self.started.elapsed());
        // Nobody needs it.
        let _ = if self.is_terminal { write!(stderr(), "\r{line}\x1b[K") } else { writeln!(stderr(), "{line}") };
    }

    /// Before anything else is written to the terminal.
    pub(super) fn clear(&self) {
        if self.is_terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

fn line(done: u64, total: u64, elapsed: Duration) -> String {
    let per_second = rate(done, elapsed);
    let total = total.max(done).max(1);
    let filled = usize::try_from(done * WIDTH / total).unwrap_or_default();
    let left = (total - done).checked_div(per_second).unwrap_or_default();
    let bar = "#".repeat(filled) + &".".repeat(usize::try_from(WIDTH).unwrap_or_default() - filled);
    format!("[{bar}] {done} of {total}, {per_second} per second, {left} s left")
}

/// How many per second.
pub(super) fn rate(done: u64, elapsed: Duration) -> u64 {
    u64::try_from(u128::from(done) * 1000 / elapsed.as_millis().max(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is() {
        let line = line(50, 200, Duration::from_secs(5));
        assert_eq!(line, "[#######.......................] 50 of 200, 10 per second, 15 s left");
        assert!(super::line(0, 0, Duration::ZERO).starts_with("[...."));
        assert!(super::line(3, 2, Duration::from_secs(1)).contains("3 of 3"));
    }
}
