//! A piece of work beside the window and the compute thread: reading a folder, listing runs.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use crossbeam_channel::{Receiver, TryRecvError, bounded};

/// How far a task is, and whether it should end early.
#[derive(Debug, Default)]
pub struct TaskProgress {
    done: AtomicUsize,
    total: AtomicUsize,
    cancelled: AtomicBool,
}

impl TaskProgress {
    /// Tells how far the work is; `false` when it should end early.
    pub fn report(&self, done: usize, total: usize) -> bool {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        !self.is_cancelled()
    }

    /// Whether the work should end early.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// Work on a thread of its own, whose result is picked up once.
#[derive(Debug)]
pub struct BackgroundTask<T> {
    progress: Arc<TaskProgress>,
    result: Receiver<T>,
}

impl<T: Send + 'static> BackgroundTask<T> {
    /// Starts `work` on a thread called `name`; `wake` is called when it is done.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn spawn(
        name: &str,
        wake: impl FnOnce() + Send + 'static,
        work: impl FnOnce(&TaskProgress) -> T + Send + 'static,
    ) -> io::Result<Self> {
        let progress = Arc::new(TaskProgress::default());
        let (sender, result) = bounded(1);
        let shared = Arc::clone(&progress);
        thread::Builder::new().name(name.into()).spawn(move || {
            let value = work(&shared);
            // Nobody waits for the result of a task that was dropped.
            let _ = sender.send(value);
            wake();
        })?;
        Ok(Self { progress, result })
    }

    /// Work done and in all, in the task's own units; (0, 0) before the first report.
    pub fn progress(&self) -> (usize, usize) {
        (self.progress.done.load(Ordering::Relaxed), self.progress.total.load(Ordering::Relaxed))
    }

    /// Asks the work to end early.
    pub fn cancel(&self) {
        self.progress.cancelled.store(true, Ordering::Relaxed);
    }

    /// Where the work stands; its result is handed out once.
    pub fn poll(&self) -> TaskState<T> {
        match self.result.try_recv() {
            Ok(value) => TaskState::Done(value),
            Err(TryRecvError::Empty) => TaskState::Running,
            Err(TryRecvError::Disconnected) => TaskState::Over,
        }
    }
}

/// Where a [`BackgroundTask`] stands.
#[derive(Debug, PartialEq, Eq)]
pub enum TaskState<T> {
    /// Still at work.
    Running,
    /// Done, with its result.
    Done(T),
    /// Its result was taken, or it ended without one.
    Over,
}

impl<T> Drop for BackgroundTask<T> {
    fn drop(&mut self) {
        self.progress.cancelled.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_task_ends_early() {
        let (started, wait) = bounded(1);
        let task = BackgroundTask::spawn(
            "test-task",
            || {},
            move |progress| {
                let _ = started.send(());
                let mut n = 0;
                while progress.report(n, 0) {
                    n += 1;
                    thread::yield_now();
                }
                "ended"
            },
        )
        .unwrap();
        wait.recv().unwrap();
        task.cancel();
        assert_eq!(task.result.recv(), Ok("ended"));
    }
}
