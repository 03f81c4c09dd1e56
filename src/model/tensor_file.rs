//! Named tensors and one text in one safetensors file, which checkpoints and models share.
//!
//! The file: the header's length (eight bytes, little endian), the header (JSON: each tensor's type, shape and
//! place, and under `__metadata__` one key, [`HEAD_KEY`], with whatever the caller wants to say), the values.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    fs::File,
    io,
    io::{BufReader, Read, Write},
    path::Path,
};

use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use serde::{
    Deserialize,
    de::{Error as _, MapAccess, Visitor},
};

use super::weights::Weight;
use crate::{files, files::FileError};

/// The key of the file's metadata that holds the caller's text. One key, because safetensors keeps its
/// metadata in a hash map: several would come in another order each time, and equal states give equal files.
pub(crate) const HEAD_KEY: &str = "ganspect";
/// What the format keeps for itself among the names.
const RESERVED: &str = "__metadata__";
/// Most bytes of a file's header.
const HEADER_LIMIT: u64 = 16 << 20;
/// Values that are converted at a time.
pub(crate) const CHUNK: usize = 1 << 14;

/// Why a file's tensors could not be read.
#[derive(Debug)]
pub(crate) enum TensorFault {
    /// The system's doing.
    Io(io::Error),
    /// The file's; completes "it is damaged: …".
    Damaged(&'static str),
}

impl From<io::Error> for TensorFault {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

/// A file that is open, its header read.
#[derive(Debug)]
pub(crate) struct TensorReader<R> {
    reader: R,
    layout: Metadata,
    /// Bytes after the header.
    data: u64,
}

/// Opens `path` for a [`TensorReader`]: a file, not a pipe that might never end, of at most `limit` bytes. Returns its
/// length too.
pub(crate) fn open(path: &Path, limit: u64) -> Result<(BufReader<File>, u64), FileError> {
    let (file, size) = files::open(path, limit)?;
    Ok((BufReader::with_capacity(1 << 18, file), size))
}

impl<R: Read> TensorReader<R> {
    /// Reads as far as the values. `length` is the whole file's, and nothing is allocated beyond it on the word
    /// of the header.
    pub(crate) fn new(mut reader: R, length: u64) -> Result<Self, TensorFault> {
        let Some(after_size) = length.checked_sub(8) else {
            return Err(TensorFault::Damaged("it ends within its first eight bytes"));
        };
        let mut size = [0; 8];
        reader.read_exact(&mut size)?;
        let size = u64::from_le_bytes(size);
        if size > HEADER_LIMIT || size > after_size {
            return Err(TensorFault::Damaged("its header is longer than the file or the limit"));
        }
        let mut header = vec![0; size as usize];
        reader.read_exact(&mut header)?;
        let layout = parse(&header).ok_or(TensorFault::Damaged("its header does not describe tensors"))?;
        Ok(Self { reader, layout, data: after_size - size })
    }

    /// The caller's text, if the file has one.
    pub(crate) fn head(&self) -> Option<&str> {
        self.layout.metadata().as_ref()?.get(HEAD_KEY).map(String::as_str)
    }

    /// Whether the file is as long as it says and holds nothing but 32-bit numbers.
    pub(crate) fn check(&self) -> Result<(), TensorFault> {
        if self.layout.data_len() as u64 != self.data {
            return Err(TensorFault::Damaged("it is shorter or longer than its header says"));
        }
        if self.layout.tensors().values().any(|info| info.dtype != Dtype::F32) {
            return Err(TensorFault::Damaged("a tensor is not of 32-bit floating-point numbers"));
        }
        Ok(())
    }

    /// All tensors in the order of their names, each with as many values as its shape has, and the CRC-32C of
    /// their bytes in file order.
    pub(crate) fn tensors(mut self) -> Result<(Vec<Weight>, u32), TensorFault> {
        self.check()?;
        let mut crc = 0;
        let mut tensors = Vec::new();
        for name in self.layout.offset_keys() {
            let Some(info) = self.layout.info(&name) else {
                continue;
            };
            let bytes = info.data_offsets.1 - info.data_offsets.0;
            let mut values = Vec::with_capacity(bytes / size_of::<f32>());
            read_values(&mut self.reader, bytes, &mut values, &mut crc)?;
            tensors.push(Weight { shape: info.shape.clone(), name, values });
        }
        // Tensors without elements share an offset, so the file's order says nothing about theirs.
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((tensors, crc))
    }
}

/// Tensors that can be written: sorted by name, no name twice, every shape filled.
#[derive(Debug)]
pub(crate) struct TensorWriter<'a> {
    tensors: Vec<&'a Weight>,
    infos: Vec<(String, TensorInfo)>,
}

impl<'a> TensorWriter<'a> {
    /// Lays the tensors out. The error says what is wrong with them.
    pub(crate) fn new(tensors: &'a [Weight]) -> Result<Self, String> {
        let mut tensors: Vec<&Weight> = tensors.iter().collect();
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let mut names = BTreeSet::new();
        let mut infos = Vec::with_capacity(tensors.len());
        let mut end = 0;
        for tensor in &tensors {
            if tensor.name == RESERVED {
                return Err(format!("no tensor can be named {RESERVED}"));
            }
            if !names.insert(&tensor.name) {
                return Err(format!("it has two tensors {}", tensor.name));
            }
            let elements = tensor.shape.iter().try_fold(1usize, |product, &side| product.checked_mul(side));
            if elements != Some(tensor.values.len()) {
                return Err(format!(
                    "tensor {} of shape {:?} has {} values",
                    tensor.name,
                    tensor.shape,
                    tensor.values.len()
                ));
            }
            let start = end;
            end += tensor.values.len() * size_of::<f32>();
            let info = TensorInfo { dtype: Dtype::F32, shape: tensor.shape.clone(), data_offsets: (start, end) };
            infos.push((tensor.name.clone(), info));
        }
        Ok(Self { tensors, infos })
    }

    /// The CRC-32C of all values in file order.
    pub(crate) fn crc32c(&self) -> u32 {
        let mut crc = 0;
        for tensor in &self.tensors {
            each_chunk(&tensor.values, |bytes| crc = crc32c::crc32c_append(crc, bytes));
        }
        crc
    }

    /// The file's beginning with `head` in it, up to the values. The error says what is wrong.
    pub(crate) fn header(&self, head: String) -> Result<Vec<u8>, String> {
        let metadata = HashMap::from([(HEAD_KEY.to_owned(), head)]);
        let layout = Metadata::new(Some(metadata), self.infos.clone()).map_err(|error| error.to_string())?;
        let mut header = serde_json::to_vec(&layout).map_err(|error| error.to_string())?;
        // The tensors begin on a multiple of eight bytes.
        header.resize(header.len().next_multiple_of(8), b' ');
        if header.len() as u64 > HEADER_LIMIT {
            return Err(format!("its header has {} bytes", header.len()));
        }
        header.splice(0..0, (header.len() as u64).to_le_bytes());
        Ok(header)
    }

    /// Writes the header and all values.
    pub(crate) fn write(&self, header: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(header)?;
        for tensor in &self.tensors {
            let mut result = Ok(());
            each_chunk(&tensor.values, |bytes| {
                if result.is_ok() {
                    result = out.write_all(bytes);
                }
            });
            result?;
        }
        Ok(())
    }
}

/// What the header says of the tensors, in the order of their places, which lie end to end. None where it
/// contradicts itself or names something twice; a map would keep the last of two without a word.
fn parse(header: &[u8]) -> Option<Metadata> {
    struct Entries {
        metadata: Option<HashMap<String, String>>,
        tensors: Vec<(String, TensorInfo)>,
    }

    struct InOrder;

    impl<'de> Visitor<'de> for InOrder {
        type Value = Entries;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("tensors by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
            let mut names = BTreeSet::new();
            let mut entries = Entries { metadata: None, tensors: Vec::new() };
            while let Some(name) = map.next_key::<String>()? {
                if !names.insert(name.clone()) {
                    return Err(A::Error::custom("a name comes twice"));
                }
                if name == RESERVED {
                    entries.metadata = map.next_value()?;
                } else {
                    entries.tensors.push((name, map.next_value()?));
                }
            }
            Ok(entries)
        }
    }

    impl<'de> Deserialize<'de> for Entries {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(InOrder)
        }
    }

    let mut entries: Entries = serde_json::from_slice(header).ok()?;
    entries.tensors.sort_by_key(|(_, info)| info.data_offsets);
    Metadata::new(entries.metadata, entries.tensors).ok()
}

/// Hands the values over as little-endian bytes, some at a time.
pub(crate) fn each_chunk(values: &[f32], mut out: impl FnMut(&[u8])) {
    let mut bytes = Vec::with_capacity(CHUNK.min(values.len()) * size_of::<f32>());
    for chunk in values.chunks(CHUNK) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|value| value.to_le_bytes()));
        out(&bytes);
    }
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
