//! The thread pool that decodes and draws images.

use std::sync::LazyLock;

use rayon::ThreadPool;

/// Maximum number of decoding threads.
const MAX_DECODERS: usize = 8;

/// Runs `job` on the decoding threads, so that decoding does not share a queue with the tensor operations.
/// Falls back to the caller's thread pool if the threads cannot be started.
pub(crate) fn on_decoders<R: Send>(job: impl FnOnce() -> R + Send) -> R {
    static DECODERS: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).min(MAX_DECODERS);
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("ganspect-decode-{i}"))
            .build()
            .ok()
    });
    match DECODERS.as_ref() {
        Some(pool) => pool.install(job),
        None => job(),
    }
}
