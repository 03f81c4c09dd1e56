//! Distribution of work over the threads of the global Rayon pool, and the sizes from which that pays.

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rayon::Yield;

/// Floats to be moved up to which one thread is faster than several.
const MOVED: usize = 1 << 15;

/// Multiplications up to which one thread is faster than several.
const MULTIPLIED: usize = 1 << 22;

/// How long an idle thread polls for work before it sleeps. The next layer usually follows sooner, and waking a thread takes
/// as long as a small layer.
const AWAKE: Duration = Duration::from_micros(100);

/// Whether copying or updating this many floats is faster on several threads.
pub(super) fn pays_to_move(floats: usize) -> bool {
    floats > MOVED
}

/// Whether this many multiplications are faster on several threads.
pub(super) fn pays_to_multiply(products: usize) -> bool {
    products > MULTIPLIED
}

/// Keeps the other threads polling for a moment after the last piece of work.
fn stay_awake() {
    static AWAKE_ALREADY: AtomicBool = AtomicBool::new(false);
    thread_local!(static POLLING: Cell<bool> = const { Cell::new(false) });
    if AWAKE_ALREADY.swap(true, Ordering::Relaxed) {
        return;
    }
    let caller = rayon::current_thread_index();
    rayon::spawn_broadcast(move |thread| {
        // A thread that is polling already may have picked up this broadcast itself.
        if Some(thread.index()) == caller || POLLING.replace(true) {
            return;
        }
        let mut worked = Instant::now();
        while worked.elapsed() < AWAKE {
            match rayon::yield_now() {
                Some(Yield::Executed) => worked = Instant::now(),
                _ => thread::yield_now(),
            }
        }
        POLLING.set(false);
        AWAKE_ALREADY.store(false, Ordering::Relaxed);
    });
}

/// Makes the calling thread a member of the global Rayon pool, unless the pool exists already, so that work it distributes
/// does not wait for another thread to wake up. Call it once, at the start of the thread that owns the tensors.
pub fn join_thread_pool() {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let single = std::env::var("RAYON_NUM_THREADS").is_ok_and(|n| n == "1");
    // Work from other threads needs a pool thread besides this one.
    if cores > 1 && !single {
        // If the pool exists, this thread distributes its work from outside.
        let _ = rayon::ThreadPoolBuilder::new().use_current_thread().build_global();
    }
}

/// Calls `work` for each of `items`, on several threads if `parallel`. Each thread, including the caller, takes the next
/// item as soon as it is done with one, so that none waits for a slow one.
pub(super) fn each<I: Iterator + Send>(items: I, parallel: bool, work: impl Fn(I::Item) + Sync + Send) {
    let threads = if parallel { rayon::current_num_threads() } else { 1 };
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

/// Calls `work` with the index and the values of each chunk of `values`, on several threads if `parallel`.
pub(super) fn each_chunk(
    values: &mut [f32],
    chunk: usize,
    parallel: bool,
    work: impl Fn(usize, &mut [f32]) + Sync + Send,
) {
    each(values.chunks_mut(chunk).enumerate(), parallel, |(i, chunk)| work(i, chunk));
}

/// Returns how many of `items` equal pieces of work to give to one task: all of them unless `parallel`.
pub(super) fn items_per_task(items: usize, parallel: bool) -> usize {
    if !parallel {
        return items;
    }
    let threads = rayon::current_num_threads();
    // If there are many, smaller tasks balance threads of different speed.
    let tasks = if items > 8 * threads { 8 * threads } else { threads };
    items.div_ceil(tasks).max(1)
}
