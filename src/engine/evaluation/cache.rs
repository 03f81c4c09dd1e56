//! The cache of inspected test images, so that a later evaluation need not inspect them again.

use std::path::{Path, PathBuf};

/// Folder of the cache, in the folder of runs.
const FOLDER: &str = ".evaluated";

/// The cache of the model with this hash.
pub(crate) fn cache_file(runs: &Path, hash: &str) -> PathBuf {
    runs.join(FOLDER).join(format!("{}.json", hash.get(..16).unwrap_or(hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inspected_is_kept_for_each_model() {
        let of = |hash| cache_file(Path::new("/runs"), hash);
        assert_eq!(of("0123456789abcdef0123"), Path::new("/runs/.evaluated/0123456789abcdef.json"));
        assert_eq!(of("0"), Path::new("/runs/.evaluated/0.json"));
    }
}
