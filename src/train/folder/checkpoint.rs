//! Checkpoints: all tensors of a training run and what else it takes to go on, as one safetensors file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::{Deserialize, Serialize};

use super::{CHECKPOINTS, KEPT_CHECKPOINTS, RunError, RunFolder};
use crate::files::{self, Access, FileError};
use crate::model::weights::Weight;

/// The key of the file's metadata that holds a [`Head`] as JSON. One key, because safetensors keeps its
/// metadata in a hash map: several would come in another order each time, and equal states give equal files.
const HEAD_KEY: &str = "ganspect";
/// Most bytes of a file's header.
const HEADER_LIMIT: u64 = 16 << 20;
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

/// What a checkpoint says besides its tensors.
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
        let (mut reader, layout, head) = open(path)?;
        let mut crc = 0;
        let mut tensors = Vec::new();
        for name in layout.offset_keys() {
            let Some(info) = layout.info(&name) else {
                continue;
            };
            let bytes = info.data_offsets.1 - info.data_offsets.0;
            let mut values = Vec::with_capacity(bytes / size_of::<f32>());
            read_values(&mut reader, bytes, &mut values, &mut crc)
                .map_err(|cause| FileError::new(Access::Read, path, cause))?;
            tensors.push(Weight { shape: info.shape.clone(), name, values });
        }
        if crc != head.crc32c {
            return Err(FileError::damaged(path, "the checkpoint is damaged (its checksum does not fit)"));
        }
        // Tensors without elements share an offset, so the file's order says nothing about theirs.
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
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
    let mut tensors: Vec<&Weight> = checkpoint.tensors.iter().collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let mut names = BTreeSet::new();
    let mut infos = Vec::with_capacity(tensors.len());
    let mut end = 0;
    for tensor in &tensors {
        if !names.insert(&tensor.name) {
            return Err(unwritable(format!("it has two tensors {}", tensor.name)));
        }
        let elements = tensor.shape.iter().try_fold(1usize, |product, &side| product.checked_mul(side));
        if elements != Some(tensor.values.len()) {
            return Err(unwritable(format!(
                "tensor {} of shape {:?} has {} values",
                tensor.name,
                tensor.shape,
                tensor.values.len()
            )));
        }
        let start = end;
        end += tensor.values.len() * size_of::<f32>();
        let info = TensorInfo { dtype: Dtype::F32, shape: tensor.shape.clone(), data_offsets: (start, end) };
        infos.push((tensor.name.clone(), info));
    }

    let mut crc = 0;
    for tensor in &tensors {
        // The only error of this writer is the closure's, and it has none.
        let _ = write_values(&tensor.values, |bytes| {
            crc = crc32c::crc32c_append(crc, bytes);
            Ok(())
        });
    }
    let head = Head { step: checkpoint.step, crc32c: crc, meta: checkpoint.meta.clone() };
    let head = serde_json::to_string(&head).map_err(|error| unwritable(error.to_string()))?;
    let metadata = HashMap::from([(HEAD_KEY.to_owned(), head)]);
    let layout = Metadata::new(Some(metadata), infos).map_err(|error| unwritable(error.to_string()))?;
    let mut header = serde_json::to_vec(&layout).map_err(|error| unwritable(error.to_string()))?;
    // The tensors begin on a multiple of eight bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    if header.len() as u64 > HEADER_LIMIT {
        return Err(unwritable(format!("its header has {} bytes", header.len())));
    }
    files::write_atomic_with(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        for tensor in &tensors {
            write_values(&tensor.values, |bytes| out.write_all(bytes))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Opens a checkpoint and reads as far as the tensors. The file is then known to be as long as it says.
fn open(path: &Path) -> Result<(BufReader<File>, Metadata, Head), FileError> {
    let fault = |cause| FileError::new(Access::Read, path, cause);
    let damaged = |what: &str| FileError::damaged(path, format!("the checkpoint is damaged ({what})"));
    let file = File::open(path).map_err(fault)?;
    let length = file.metadata().map_err(fault)?.len();
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let Some(after_size) = length.checked_sub(8) else {
        return Err(damaged("it ends within its first eight bytes"));
    };
    let mut size = [0; 8];
    reader.read_exact(&mut size).map_err(fault)?;
    let size = u64::from_le_bytes(size);
    if size > HEADER_LIMIT || size > after_size {
        return Err(damaged("its header is longer than the file or the limit"));
    }
    let mut header = vec![0; size as usize];
    reader.read_exact(&mut header).map_err(fault)?;
    let layout: Metadata =
        serde_json::from_slice(&header).map_err(|_| damaged("its header does not describe tensors"))?;
    if layout.data_len() as u64 != after_size - size {
        return Err(damaged("it is shorter or longer than its header says"));
    }
    if layout.tensors().values().any(|info| info.dtype != Dtype::F32) {
        return Err(damaged("a tensor is not of 32-bit floating-point numbers"));
    }
    let head = layout.metadata().as_ref().and_then(|all| all.get(HEAD_KEY));
    let head = head
        .and_then(|head| serde_json::from_str(head).ok())
        .ok_or_else(|| damaged("it is not one of this program's"))?;
    Ok((reader, layout, head))
}

/// Values that are converted at a time.
const CHUNK: usize = 1 << 14;

/// Hands the values over as little-endian bytes, some at a time.
fn write_values(values: &[f32], mut out: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(CHUNK.min(values.len()) * size_of::<f32>());
    for chunk in values.chunks(CHUNK) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|value| value.to_le_bytes()));
        out(&bytes)?;
    }
    Ok(())
}

/// Reads `bytes` bytes, a multiple of four, as little-endian values.
fn read_values(reader: &mut impl Read, mut bytes: usize, values: &mut Vec<f32>, crc: &mut u32) -> io::Result<()> {
    let mut chunk = vec![0; bytes.min(CHUNK * size_of::<f32>())];
    while bytes > 0 {
        chunk.truncate(bytes);
        reader.read_exact(&mut chunk)?;
        *crc = crc32c::crc32c_append(*crc, &chunk);
        let (quads, _) = chunk.as_chunks();
        values.extend(quads.iter().map(|&quad| f32::from_le_bytes(quad)));
        bytes -= chunk.len();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::RunInfo;
    use super::*;

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
        let values: Vec<f32> = (0..2 * CHUNK + 5).map(|i| i as f32).collect();
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
