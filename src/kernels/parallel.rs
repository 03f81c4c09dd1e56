//! When a second thread is worth its start, and what it does.

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rayon::Yield;

/// Floats to be moved, below which one thread is sooner done than two have begun.
pub(super) const MOVED: usize = 1 << 15;

/// Multiplications likewise.
pub(super) const MULTIPLIED: usize = 1 << 22;

/// How long a thread looks out for work before it sleeps: a layer is followed by the next within less, and to wake a thread
/// takes as long as a small layer.
const AWAKE: Duration = Duration::from_micros(100);

/// Keeps the other threads awake for a moment longer than there is work.
fn stay_awake() {
    static AWAKE_ALREADY: AtomicBool = AtomicBool::new(false);
    thread_local!(static LOOKING: Cell<bool> = const { Cell::new(false) });
    if AWAKE_ALREADY.swap(true, Ordering::Relaxed) {
        return;
    }
    let asks = rayon::current_thread_index();
    rayon::spawn_broadcast(move |thread| {
        // One that looks out already has found this itself.
        if Some(thread.index()) == asks || LOOKING.replace(true) {
            return;
        }
        let mut worked = Instant::now();
        while worked.elapsed() < AWAKE {
            match rayon::yield_now() {
                Some(Yield::Executed) => worked = Instant::now(),
                _ => thread::yield_now(),
            }
        }
        LOOKING.set(false);
        AWAKE_ALREADY.store(false, Ordering::Relaxed);
    });
}

/// Makes the calling thread one of those that compute, where no others have begun yet: it then need not wait for another
/// to wake up whenever work is shared out. Meant for the thread that owns the tensors, once, when it begins.
pub fn join() {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let alone = std::env::var("RAYON_NUM_THREADS").is_ok_and(|n| n == "1");
    // Work that other threads hand over needs a thread besides this one.
    if cores > 1 && !alone {
        // Where there is a pool already, this thread shares out its work from outside.
        let _ = rayon::ThreadPoolBuilder::new().use_current_thread().build_global();
    }
}

/// Calls `work` for each of `items`, on several threads when `worth`. Each takes the next item as soon as it has done
/// one, the calling thread among them, so that none waits for another that is late.
pub(super) fn each<I: Iterator + Send>(items: I, worth: bool, work: impl Fn(I::Item) + Sync + Send) {
    let threads = if worth { rayon::current_num_threads() } else { 1 };
    if threads == 1 {
        return items.for_each(work);
    }
    stay_awake();
    let items = Mutex::new(items);
    let take = || {
        loop {
            let next = items.lock().next();
            let Some(item) = next else { return };
            work(item);
        }
    };
    rayon::in_place_scope(|scope| {
        (1..threads).for_each(|_| scope.spawn(|_| take()));
        take();
    });
}

/// Calls `work` with each chunk of `values` and its number, on several threads when `worth`.
pub(super) fn each_chunk(
    values: &mut [f32],
    chunk: usize,
    worth: bool,
    work: impl Fn(usize, &mut [f32]) + Sync + Send,
) {
    each(values.chunks_mut(chunk).enumerate(), worth, |(i, chunk)| work(i, chunk));
}

/// How many of `all` equal pieces of work one task does, so that every thread has some.
pub(super) fn share(all: usize) -> usize {
    let threads = rayon::current_num_threads();
    // Where there are many, smaller shares even out threads of different speed.
    let tasks = if all > 8 * threads { 8 * threads } else { threads };
    all.div_ceil(tasks).max(1)
}
