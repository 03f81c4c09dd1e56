//! Simulates a camera that writes images to a folder.

use std::{fs, io::Write, path::PathBuf, thread, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Writes files to `folder` in a thread: a share `whole` of them atomically, the others in two pieces with a short delay.
pub fn write(
    folder: PathBuf,
    files: impl IntoIterator<Item = (String, Vec<u8>)> + Send + 'static,
    whole: f64,
    seed: u64,
) -> thread::JoinHandle<()> {
    let work = move || {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for (name, bytes) in files {
            let path = folder.join(&name);
            if rng.random_bool(whole) {
                let temporary = folder.join(format!("{name}.part"));
                fs::write(&temporary, &bytes).unwrap();
                fs::rename(&temporary, &path).unwrap();
            } else {
                let (head, tail) = bytes.split_at(rng.random_range(1..bytes.len()));
                let mut file = fs::File::create(&path).unwrap();
                file.write_all(head).unwrap();
                thread::sleep(Duration::from_millis(rng.random_range(0..20)));
                file.write_all(tail).unwrap();
            }
        }
    };
    thread::Builder::new().name("test-camera".into()).spawn(work).unwrap()
}
