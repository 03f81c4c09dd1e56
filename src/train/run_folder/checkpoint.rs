//! Checkpoints: all tensors of a training run and what else it takes to go on, as one safetensors file.

use std::{
    collections::BTreeMap,
    fs,
    fs::File,
    io,
    io::BufReader,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{CHECKPOINTS, KEPT_CHECKPOINTS, RunError, RunFolder};
use crate::{
    files,
    files::{Access, FileError},
    model::{
        tensor_file,
        tensor_file::{TensorFault, TensorReader, TensorWriter},
        weights::Weight,
    },
};

const PREFIX: &str = "step-";
const SUFFIX: &str = ".safetensors";

/// The state of a training run after `step` steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checkpoint {
    /// Steps done.
    pub step: u64,
    /// Networks and optimisers, in the order of their names once read back.
    pub tensors: Vec<Weight>,
    /// What is no tensor: the generator of random numbers, the schedule's counters and so on.
    pub meta: BTreeMap<String, String>,
}

/// A checkpoint on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointFile {
    /// The file.
    pub path: PathBuf,
    /// Steps done, by the file's name.
    pub step: u64,
    /// Its size.
    pub bytes: u64,
    /// Why it cannot be used, if a look at its header and size shows that.
    pub fault: Option<String>,
}

/// What a checkpoint says besides its tensors, as JSON.
#[derive(Serialize, Deserialize)]
struct Head {
    step: u64,
    /// CRC-32C of all tensors' bytes in file order.
    crc32c: u32,
    meta: BTreeMap<String, String>,
}

impl RunFolder {
    /// Writes a checkpoint and lets go of the oldest ones before it, so that [`KEPT_CHECKPOINTS`] remain.
    /// Checkpoints of later steps, which there are after going back to an earlier one, are left alone.
    ///
    /// # Errors
    /// [`FileError`] for instance on a full disk; the earlier checkpoints are then untouched.
    /// [`RunError::Unwritable`] for a tensor whose values do not fill its shape, or two of one name.
    pub fn save_checkpoint(&self, checkpoint: &Checkpoint) -> Result<PathBuf, RunError> {
        let folder = self.path().join(CHECKPOINTS);
        fs::create_dir_all(&folder).map_err(|cause| FileError::new(Access::Write, &folder, cause))?;
        let path = folder.join(format!("{PREFIX}{:08}{SUFFIX}", checkpoint.step));
        write(&path, checkpoint)?;
        let older =
            newest_first(&folder)?.into_iter().filter(|&(step, _)| step <= checkpoint.step).skip(KEPT_CHECKPOINTS);
        for (_, path) in older {
            if let Err(cause) = fs::remove_file(&path) {
                let error = FileError::new(Access::Write, path, cause);
                tracing::warn!("an old checkpoint stays: {error}");
            }
        }
        Ok(path)
    }

    /// The newest checkpoint that can be read whole, or none. Those that are passed over on the way are named
    /// in the log and, with the reason, in [`checkpoints`](Self::checkpoints).
    ///
    /// # Errors
    /// [`FileError`] where the folder cannot be listed.
    pub fn latest_checkpoint(&self) -> Result<Option<Checkpoint>, RunError> {
        for (_, path) in newest_first(&self.path().join(CHECKPOINTS))? {
            match Checkpoint::read(&path) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(error) => tracing::warn!("a checkpoint is passed over: {error}"),
            }
        }
        Ok(None)
    }

    /// The checkpoints there are, newest first, each checked by its header and size.
    ///
    /// # Errors
    /// [`FileError`] where the folder cannot be listed.
    pub fn checkpoints(&self) -> Result<Vec<CheckpointFile>, RunError> {
        let files = newest_first(&self.path().join(CHECKPOINTS))?;
        Ok(files
            .into_iter()
            .map(|(step, path)| CheckpointFile {
                step,
                bytes: fs::metadata(&path).map_or(0, |kind| kind.len()),
                fault: open(&path).err().map(|error| error.to_string()),
                path,
            })
            .collect())
    }
}

impl Checkpoint {
    /// Reads a checkpoint; tensors come in the order of their names.
    ///
    /// # Errors
    /// [`FileError`]; [`FileError::Damaged`] for anything but a whole checkpoint. Nothing is allocated on the
    /// word of the file beyond its own size.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let (source, head) = open(path)?;
        let (tensors, crc) = source.tensors().map_err(|fault| unreadable(path, fault))?;
        if crc != head.crc32c {
            return Err(unreadable(path, TensorFault::Damaged("its checksum does not fit")));
        }
        Ok(Self { step: head.step, tensors, meta: head.meta })
    }
}

/// The checkpoints in `folder` by step, newest first; none where there is no folder.
pub(super) fn newest_first(folder: &Path) -> Result<Vec<(u64, PathBuf)>, FileError> {
    let fault = |cause| FileError::new(Access::Read, folder, cause);
    let entries = match fs::read_dir(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        result => result.map_err(fault)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fault)?;
        let name = entry.file_name();
        let step = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok());
        if let Some(step) = step {
            files.push((step, entry.path()));
        }
    }
    files.sort_by(|a, b| b.cmp(a));
    Ok(files)
}

fn write(path: &Path, checkpoint: &Checkpoint) -> Result<(), RunError> {
    let unwritable = |what: String| RunError::Unwritable { path: path.to_owned(), what };
    let sink = TensorWriter::new(&checkpoint.tensors).map_err(unwritable)?;
    let head = Head { step: checkpoint.step, crc32c: sink.crc32c(), meta: checkpoint.meta.clone() };
    let head = serde_json::to_string(&head).map_err(|error| unwritable(error.to_string()))?;
    let header = sink.header(head).map_err(unwritable)?;
    files::write_atomic_with(path, |out| sink.write(&header, out))?;
    Ok(())
}

/// Opens a checkpoint and reads as far as the tensors. The file is then known to be as long as it says.
fn open(path: &Path) -> Result<(TensorReader<BufReader<File>>, Head), FileError> {
    let (reader, length) = tensor_file::open(path, u64::MAX)?;
    let source = TensorReader::new(reader, length).map_err(|fault| unreadable(path, fault))?;
    source.check().map_err(|fault| unreadable(path, fault))?;
    let head = source
        .head()
        .and_then(|head| serde_json::from_str(head).ok())
        .ok_or_else(|| unreadable(path, TensorFault::Damaged("it is not one of this program's")))?;
    Ok((source, head))
}

fn unreadable(path: &Path, fault: TensorFault) -> FileError {
    match fault {
        TensorFault::Io(cause) => FileError::new(Access::Read, path, cause),
        TensorFault::Damaged(what) => FileError::damaged(path, format!("the checkpoint is damaged ({what})")),
    }
}

#[cfg(test)]
mod tests {
    use safetensors::Dtype;

    use super::*;
    use crate::train::run_folder::RunInfo;

    fn run(root: &Path) -> RunFolder {
        RunFolder::create(&root.join("a"), &RunInfo::new("a", "b", "c"), "").unwrap()
    }

    fn state(step: u64) -> Checkpoint {
        let tensor = |name: &str, shape: &[usize], values: &[f32]| Weight {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        Checkpoint {
            step,
            tensors: vec![
                tensor("d.bias", &[], &[step as f32]),
                tensor("g.empty", &[3, 0], &[]),
                tensor(
                    "g.weight",
                    &[2, 3],
                    &[0.1, -0.0, f32::MIN_POSITIVE / 4.0, f32::MAX, f32::NEG_INFINITY, f32::EPSILON],
                ),
            ],
            meta: BTreeMap::from([
                ("random".to_owned(), "{\"seed\": [1, 2]}".to_owned()),
                ("schedule".to_owned(), "näher \"am\"\nRand".to_owned()),
            ]),
        }
    }

    #[test]
    fn a_checkpoint_comes_back_bit_for_bit() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        assert_eq!(run.latest_checkpoint().unwrap(), None);
        let saved = state(1234);
        let path = run.save_checkpoint(&saved).unwrap();
        assert!(path.ends_with("checkpoints/step-00001234.safetensors"));
        let read = run.latest_checkpoint().unwrap().unwrap();
        assert_eq!(read, saved);
        let bits = |c: &Checkpoint| -> Vec<u32> {
            let values = c.tensors.iter().flat_map(|tensor| &tensor.values);
            values.map(|value| value.to_bits()).collect()
        };
        assert_eq!(bits(&read), bits(&saved));

        // Others read it too, and the same state gives the same file.
        let bytes = fs::read(&path).unwrap();
        let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(theirs.tensor("g.weight").unwrap().shape(), [2, 3]);
        run.save_checkpoint(&saved).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn a_tensor_longer_than_one_chunk_comes_back() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        let values: Vec<f32> = (0..2 * tensor_file::CHUNK + 5).map(|i| i as f32).collect();
        let tensor = Weight { name: "x".to_owned(), shape: vec![values.len()], values };
        let saved = Checkpoint { tensors: vec![tensor], ..Checkpoint::default() };
        run.save_checkpoint(&saved).unwrap();
        assert_eq!(run.latest_checkpoint().unwrap(), Some(saved));
    }

    #[test]
    fn the_newest_few_are_kept() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        for step in [100, 200, 300, 400, 500] {
            run.save_checkpoint(&state(step)).unwrap();
        }
        let steps = || -> Vec<u64> {
            let files = run.checkpoints().unwrap();
            files.iter().map(|file| file.step).collect()
        };
        assert_eq!(steps(), [500, 400, 300]);
        // Gone back to 300 and on from there: what lies ahead is not touched.
        run.save_checkpoint(&state(350)).unwrap();
        assert_eq!(steps(), [500, 400, 350, 300]);
    }

    #[test]
    fn a_checkpoint_cut_at_any_byte_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        run.save_checkpoint(&state(1)).unwrap();
        let path = run.save_checkpoint(&state(2)).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let latest = run.latest_checkpoint().unwrap().unwrap();
            assert_eq!(latest.step, 1, "cut to {cut} bytes");
            let files = run.checkpoints().unwrap();
            let fault = files[0].fault.as_deref().unwrap_or_default();
            assert!(fault.contains("step-00000002"), "cut to {cut}: {fault}");
            assert_eq!(files[1].fault, None);
        }
        let mut longer = whole.clone();
        longer.push(0);
        fs::write(&path, &longer).unwrap();
        assert_eq!(run.latest_checkpoint().unwrap().unwrap().step, 1);
    }

    #[test]
    fn damage_anywhere_is_noticed_or_harmless() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        let saved = state(2);
        let path = run.save_checkpoint(&saved).unwrap();
        let whole = fs::read(&path).unwrap();
        let data = whole.len() - 28;
        for at in (0..whole.len()).step_by(3).chain(data..whole.len()) {
            let mut bad = whole.clone();
            bad[at] ^= 0x40;
            fs::write(&path, &bad).unwrap();
            let result = Checkpoint::read(&path);
            if at >= data {
                assert!(matches!(result, Err(FileError::Damaged { .. })), "byte {at}");
            }
        }
    }

    #[test]
    fn a_header_length_out_of_all_bounds_is_not_believed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x.safetensors");
        for length in [u64::MAX, 1 << 40, 9] {
            let mut bytes = length.to_le_bytes().to_vec();
            bytes.extend_from_slice(b"{}      ");
            fs::write(&path, &bytes).unwrap();
            assert!(matches!(Checkpoint::read(&path), Err(FileError::Damaged { .. })));
        }
    }

    #[test]
    fn files_of_others_are_not_checkpoints() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x.safetensors");
        let bytes = [0u8; 8];
        let view = |dtype, shape| safetensors::tensor::TensorView::new(dtype, shape, &bytes).unwrap();
        for view in [view(Dtype::F32, vec![2]), view(Dtype::F64, vec![1])] {
            let file = safetensors::serialize([("x", view)], None).unwrap();
            fs::write(&path, file).unwrap();
            let message = Checkpoint::read(&path).unwrap_err().to_string();
            assert!(message.contains("x.safetensors"), "{message}");
        }
    }

    #[test]
    fn tensors_that_contradict_themselves_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        let mut short = state(1);
        short.tensors[2].values.pop();
        assert!(matches!(run.save_checkpoint(&short), Err(RunError::Unwritable { .. })));
        let mut twice = state(1);
        twice.tensors[0].name = "g.weight".to_owned();
        assert!(matches!(run.save_checkpoint(&twice), Err(RunError::Unwritable { .. })));
        assert!(run.checkpoints().unwrap().is_empty());
    }
}
