//! Background tasks: work on a separate thread, such as reading a folder.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use crossbeam_channel::{Receiver, TryRecvError, bounded};

/// The error of a task that ended without a result while it read images.
pub(crate) const READ_INTERRUPTED: &str = "reading the images was interrupted; try again";

/// Describes why a thread cannot be started.
pub(crate) fn thread_error(error: &io::Error) -> String {
    format!("cannot start a thread: {error}")
}

/// Progress of a task, and whether it was cancelled.
#[derive(Debug, Default)]
pub(crate) struct TaskProgress {
    done: AtomicUsize,
    total: AtomicUsize,
    cancelled: AtomicBool,
}

impl TaskProgress {
    /// Sets the progress; `false` when the task was cancelled.
    pub(crate) fn report(&self, done: usize, total: usize) -> bool {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        !self.is_cancelled()
    }

    /// Whether the task was cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// Work on a separate thread, whose result is taken once.
#[derive(Debug)]
pub(crate) struct BackgroundTask<T> {
    progress: Arc<TaskProgress>,
    result: Receiver<T>,
}

impl<T: Send + 'static> BackgroundTask<T> {
    /// Starts `work` on a thread called `name`; `wake` is called when it is done.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(crate) fn spawn(
        name: &str,
        wake: impl FnOnce() + Send + 'static,
        work: impl FnOnce(&TaskProgress) -> T + Send + 'static,
    ) -> io::Result<Self> {
        let progress = Arc::new(TaskProgress::default());
        let (sender, result) = bounded(1);
        let shared = Arc::clone(&progress);
        thread::Builder::new().name(name.into()).spawn(move || {
            let value = work(&shared);
            // A task that was dropped has no receiver.
            let _ = sender.send(value);
            wake();
        })?;
        Ok(Self { progress, result })
    }

    /// Units done and in total; (0, 0) before the first report.
    pub(crate) fn progress(&self) -> (usize, usize) {
        (self.progress.done.load(Ordering::Relaxed), self.progress.total.load(Ordering::Relaxed))
    }

    /// Cancels the task.
    pub(crate) fn cancel(&self) {
        self.progress.cancelled.store(true, Ordering::Relaxed);
    }

    /// The status; the result is returned once.
    pub(crate) fn poll(&self) -> TaskState<T> {
        match self.result.try_recv() {
            Ok(value) => TaskState::Done(value),
            Err(TryRecvError::Empty) => TaskState::Running,
            Err(TryRecvError::Disconnected) => TaskState::Over,
        }
    }
}

/// Status of a [`BackgroundTask`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TaskState<T> {
    /// Still running.
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
