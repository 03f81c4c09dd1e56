use std::{
    fs,
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::model::layers::Dense;

fn tensor(name: &str, shape: &[usize], values: &[f32]) -> Weight {
    Weight { name: name.to_owned(), shape: shape.to_vec(), values: values.to_vec() }
}

fn model() -> Bundle {
    Bundle {
        tensors: vec![
            tensor("d/conv.weight", &[2, 3], &[0.1, -0.0, f32::MIN_POSITIVE / 4.0, f32::MAX, f32::MIN, f32::EPSILON]),
            tensor("e/empty", &[3, 0], &[]),
            tensor("ema/fc.bias", &[2], &[1.5, -2.5]),
            tensor("g/fc.bias", &[2], &[1.0, -2.0]),
            tensor("g/scale", &[], &[0.25]),
        ],
        meta: BTreeMap::from([
            ("calibration".to_owned(), "{\"scores\": [1.5, 2.5]}".to_owned()),
            ("recipe".to_owned(), "näher \"am\"\nRand".to_owned()),
        ]),
    }
}

/// Returns the file that [`Bundle::write`] writes.
fn bytes_of(model: &Bundle) -> Vec<u8> {
    let (sink, header) = model.prepare(Path::new("x")).unwrap();
    let mut bytes = Vec::new();
    sink.write(&header, &mut bytes).unwrap();
    bytes
}

/// Returns a file with any header and data.
fn framed(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// Returns a file with any text as its metadata.
fn with_head(head: &str) -> Vec<u8> {
    framed(&serde_json::json!({"__metadata__": {"ganspect": head}}).to_string(), &[])
}

fn message_of(bytes: &[u8]) -> String {
    Bundle::from_bytes("a/b.ganspect", bytes).unwrap_err().to_string()
}

fn damaged(what: &str) -> String {
    format!(
        "cannot read a/b.ganspect: it is damaged or not a model ({what}); copy the file again, choose another, \
         or train or export the model again"
    )
}

const NOT_A_MODEL: &str =
    "a/b.ganspect is not a model of this program; choose a .ganspect file, or train or export a model";

#[test]
fn a_model_is_read_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.ganspect");
    let saved = model();
    saved.write(&path).unwrap();
    let (read, provenance) = Bundle::read_with_provenance(&path).unwrap();
    assert_eq!(read, saved);
    assert_eq!(provenance, Provenance { format: BUNDLE_FORMAT, program: env!("CARGO_PKG_VERSION").to_owned() });
    let bits = |model: &Bundle| -> Vec<u32> {
        let values = model.tensors.iter().flat_map(|tensor| &tensor.values);
        values.map(|value| value.to_bits()).collect()
    };
    assert_eq!(bits(&read), bits(&saved));
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes, bytes_of(&saved));
    assert_eq!(Bundle::from_bytes("m", &bytes).unwrap(), saved);
    assert_eq!(Bundle::read(&path).unwrap(), saved);

    // No temporary file is left behind.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_same_content_gives_the_same_bytes() {
    let mut other = model();
    other.tensors.reverse();
    assert_eq!(bytes_of(&other), bytes_of(&model()));
    assert_eq!(other.hash(), model().hash());
}

#[test]
fn the_hash_covers_the_tensors_only() {
    let whole = model().hash();
    assert_eq!(whole.len(), 64);
    let mut calibrated = model();
    calibrated.meta.clear();
    assert_eq!(calibrated.hash(), whole);
    let changes: [fn(&mut Weight); 3] =
        [|t| t.values[1] = 0.0, |t| t.shape = vec![3, 2], |t| t.name = "d/conv.weights".to_owned()];
    for change in changes {
        let mut other = model();
        change(&mut other.tensors[0]);
        assert_ne!(other.hash(), whole);
    }
}

#[test]
fn the_safetensors_crate_reads_it() {
    let bytes = bytes_of(&model());
    let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(theirs.len(), 5);
    let view = theirs.tensor("g/fc.bias").unwrap();
    assert_eq!((view.shape(), view.dtype()), (&[2][..], safetensors::Dtype::F32));
    assert_eq!(view.data(), [1.0f32.to_le_bytes(), (-2.0f32).to_le_bytes()].concat());
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let head = &header.metadata().as_ref().unwrap()["ganspect"];
    let head: serde_json::Value = serde_json::from_str(head).unwrap();
    assert_eq!(head["format"], 2);
    assert_eq!(head["meta"]["recipe"], "näher \"am\"\nRand");
}

#[test]
fn a_prefix_selects_the_tensors_of_one_network() {
    let mut model = model();
    model.tensors.push(tensor("gg/x", &[], &[1.0]));
    let g = model.with_prefix("g");
    assert_eq!(g.keys().collect::<Vec<_>>(), ["fc.bias", "scale"]);
    assert_eq!(g["fc.bias"], tensor("fc.bias", &[2], &[1.0, -2.0]));
    assert!(model.with_prefix("c").is_empty());
}

#[test]
fn a_network_loads_its_tensors_or_names_the_mismatch() {
    let device = burn::tensor::Device::flex();
    let dense = |inputs, seed| Dense::new(inputs, 1, &mut ChaCha8Rng::seed_from_u64(seed), &device);
    let stored = weights::read(&dense(2, 1)).unwrap();
    let named = |w: Weight| Weight { name: format!("g/{}", w.name), ..w };
    let mut model = Bundle { tensors: stored.iter().cloned().map(named).collect(), ..Bundle::default() };
    let path = Path::new("a/b.ganspect");
    let filled = model.fill(path, "g", dense(2, 2)).unwrap();
    assert_eq!(weights::read(&filled).unwrap(), stored);

    let message_of = |result: Result<Dense, BundleError>| result.unwrap_err().to_string();
    assert_eq!(
        message_of(model.fill(path, "g", dense(3, 2))),
        "cannot use a/b.ganspect: the network 'g' does not fit the recipe (the tensor 'weight' is [2, 1], but the \
         recipe's network has [3, 1]); train or export the model again"
    );
    model.tensors.retain(|tensor| tensor.name != "g/bias");
    assert_eq!(
        message_of(model.fill(path, "g", dense(2, 2))),
        "cannot use a/b.ganspect: the network 'g' does not fit the recipe (the tensor 'bias' is missing); train or \
         export the model again"
    );
}

#[test]
fn a_file_cut_at_any_byte_or_longer_is_refused() {
    let whole = bytes_of(&model());
    for cut in 0..whole.len() {
        let message = message_of(&whole[..cut]);
        assert!(message.starts_with("cannot read a/b.ganspect: it is damaged"), "cut to {cut}: {message}");
    }
    assert_eq!(message_of(&whole[..7]), damaged("it ends within its first eight bytes"));
    assert_eq!(message_of(&whole[..100]), damaged("its header is longer than the file or the limit"));
    assert_eq!(message_of(&whole[..whole.len() - 1]), damaged("it is shorter or longer than its header says"));
    assert_eq!(message_of(&[&whole[..], &[0]].concat()), damaged("it is shorter or longer than its header says"));
}

#[test]
fn a_flipped_bit_anywhere_is_detected() {
    let whole = bytes_of(&model());
    let text = String::from_utf8_lossy(&whole);
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from));
        let mut bad = whole.clone();
        let at = whole.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        bad[at..at + from.len()].copy_from_slice(to.as_bytes());
        message_of(&bad)
    };
    let seal = damaged("its checksum does not match");
    // Name, shape, calibration and program version are all covered by the checksum.
    assert_eq!(changed("ema/fc.bias", "ema/fc.Bias"), seal);
    assert_eq!(changed("[2,3]", "[3,2]"), seal);
    assert_eq!(changed("[1.5, 2.5]", "[1.5, 7.5]"), seal);
    let program = env!("CARGO_PKG_VERSION");
    assert_eq!(changed(program, &"9".repeat(program.len())), seal);
    for at in 0..whole.len() {
        let mut bad = whole.clone();
        bad[at] ^= 0x01;
        let read = Bundle::from_bytes("x", &bad);
        // The spaces after the header are not part of the content.
        assert!(read.is_err() || read.unwrap() == model(), "byte {at}");
    }
}

#[test]
fn files_of_other_programs_are_refused() {
    let tensors = |metadata| {
        let bytes = [0u8; 8];
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2], &bytes).unwrap();
        safetensors::serialize([("x", view)], metadata).unwrap()
    };
    assert_eq!(message_of(&tensors(None)), NOT_A_MODEL);
    // The metadata of a checkpoint.
    let head =
        std::collections::HashMap::from([("ganspect".to_owned(), "{\"step\":1,\"crc32c\":1,\"meta\":{}}".to_owned())]);
    assert_eq!(message_of(&tensors(Some(head))), NOT_A_MODEL);
    assert_eq!(message_of(&with_head("no JSON")), NOT_A_MODEL);
    let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40";
    assert_eq!(message_of(picture), damaged("its header is longer than the file or the limit"));
    assert_eq!(message_of(b""), damaged("it ends within its first eight bytes"));
    assert_eq!(message_of(&framed("[]", &[])), damaged("its header does not describe tensors"));
}

#[test]
fn a_newer_format_is_distinguished_from_damage() {
    let newer = "a/b.ganspect was written by a newer version of this program (model format 3; this one reads up to 2); \
                 update the program to open it";
    assert_eq!(message_of(&with_head("{\"format\":3}")), newer);
    // Even if other parts of the file are unreadable.
    let other = framed(
        "{\"__metadata__\":{\"ganspect\":\"{\\\"format\\\":3}\"},\"g/x\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}",
        &[0; 2],
    );
    assert_eq!(message_of(&other), newer);
    assert_eq!(message_of(&with_head("{\"format\":0}")), damaged("there is no format 0"));
    assert_eq!(message_of(&with_head("{\"format\":1}")), damaged("its metadata is incomplete"));
}

/// An entry of a header, valid or not.
#[derive(Debug, Clone)]
struct Entry {
    name: String,
    dtype: &'static str,
    shape: Vec<u64>,
    offsets: (u64, u64),
}

/// Returns a file with these `entries` in its header, and a matching checksum if they are valid.
fn crafted(entries: &[Entry], data: &[u8]) -> Vec<u8> {
    let tensors = entries.iter().filter_map(|entry| {
        let bytes = data.get(entry.offsets.0 as usize..entry.offsets.1 as usize)?;
        let (quads, _) = bytes.as_chunks();
        let values: Vec<f32> = quads.iter().map(|&quad| f32::from_le_bytes(quad)).collect();
        let shape: Vec<usize> = entry.shape.iter().map(|&side| side as usize).collect();
        Some(Weight { name: entry.name.clone(), shape, values })
    });
    let bundle = Bundle { tensors: tensors.collect(), meta: BTreeMap::new() };
    let head = Head { format: 1, program: "x".to_owned(), seal: bundle.seal("x"), meta: BTreeMap::new() };
    let mut header = serde_json::json!({ "ganspect": serde_json::to_string(&head).unwrap() }).to_string();
    header = format!("{{\"__metadata__\":{header}");
    // Written by hand, because a map cannot hold a name twice.
    for Entry { name, dtype, shape, offsets: (start, end) } in entries {
        header +=
            &format!(",\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}");
    }
    framed(&(header + "}"), data)
}

fn entry(name: &str, dtype: &'static str, shape: &[u64], offsets: (u64, u64)) -> Entry {
    Entry { name: name.to_owned(), dtype, shape: shape.to_vec(), offsets }
}

#[test]
fn an_invalid_header_with_a_valid_checksum_is_refused() {
    let data = [0; 16];
    let good = crafted(&[entry("g/a", "F32", &[2], (0, 8)), entry("g/b", "F32", &[2], (8, 16))], &data);
    assert_eq!(Bundle::from_bytes("x", &good).unwrap().tensors.len(), 2);

    let lie = |entries: &[Entry]| message_of(&crafted(entries, &data));
    let invalid = damaged("its header does not describe tensors");
    let huge = u64::MAX;
    let twice = [entry("g/a", "F32", &[4], (0, 16)), entry("g/a", "F32", &[4], (0, 16))];
    assert_eq!(lie(&twice), invalid);
    // With different offsets, and with empty tensors: a map of names would lose the first.
    let twice = [entry("g/a", "F32", &[2], (0, 8)), entry("g/a", "F32", &[2], (8, 16))];
    assert_eq!(lie(&twice), invalid);
    let twice =
        [entry("g/a", "F32", &[4], (0, 16)), entry("g/b", "F32", &[0], (16, 16)), entry("g/b", "F32", &[0], (16, 16))];
    assert_eq!(lie(&twice), invalid);
    let overlap = [entry("g/a", "F32", &[3], (0, 12)), entry("g/b", "F32", &[2], (8, 16))];
    assert_eq!(lie(&overlap), invalid);
    assert_eq!(lie(&[entry("g/a", "F32", &[huge, huge], (0, 16))]), invalid);
    assert_eq!(lie(&[entry("g/a", "F32", &[1 << 62], (0, 0))]), invalid);
    assert_eq!(lie(&[entry("g/a", "F32", &[4], (16, 0))]), invalid);
    let long = damaged("it is shorter or longer than its header says");
    assert_eq!(lie(&[entry("g/a", "F32", &[1 << 40], (0, 1 << 42))]), long);
    assert_eq!(lie(&[]), long);
    let other = damaged("a tensor is not of 32-bit floating-point numbers");
    assert_eq!(lie(&[entry("g/a", "F64", &[2], (0, 16))]), other);

    for length in [huge, 1 << 40, (16 << 20) + 1] {
        let mut bytes = good.clone();
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        assert_eq!(message_of(&bytes), damaged("its header is longer than the file or the limit"));
    }
}

#[test]
fn non_finite_values_are_neither_read_nor_written() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let file = crafted(&[entry("g/a", "F32", &[1], (0, 4))], &bad.to_le_bytes());
        assert_eq!(
            message_of(&file),
            "cannot read a/b.ganspect: the tensor 'g/a' holds NaN or infinity; train or export the model again, \
             from an earlier checkpoint"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.ganspect");
        let mut model = model();
        model.tensors[3].values[1] = bad;
        let message = model.write(&path).unwrap_err().to_string();
        assert!(message.starts_with(&format!("cannot write {}: the tensor 'g/fc.bias'", path.display())), "{message}");
        assert!(!path.exists());
    }
}

#[test]
fn an_inconsistent_model_does_not_replace_a_valid_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.ganspect");
    model().write(&path).unwrap();
    type Change = fn(&mut Bundle);
    let changes: [(Change, &str); 4] = [
        (|m| m.tensors[0].values.truncate(5), "tensor d/conv.weight of shape [2, 3] has 5 values"),
        (|m| m.tensors[2].name = "g/fc.bias".to_owned(), "it has two tensors g/fc.bias"),
        (|m| m.tensors[2].name = "__metadata__".to_owned(), "no tensor can be named __metadata__"),
        (|m| drop(m.meta.insert("x".to_owned(), "x".repeat(16 << 20))), "its header has "),
    ];
    for (change, what) in changes {
        let mut bad = model();
        change(&mut bad);
        let message = bad.write(&path).unwrap_err().to_string();
        assert!(message.starts_with(&format!("cannot write {}: {what}", path.display())), "{message}");
    }
    assert_eq!(Bundle::read(&path).unwrap(), model());
}

#[test]
fn folders_missing_files_and_oversized_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path| Bundle::read(path).unwrap_err().to_string();
    assert!(message(folder.path()).contains("it is a folder"));
    let path = folder.path().join("m.ganspect");
    assert!(message(&path).contains("there is no such file"));
    // A sparse file, which takes no space on disk.
    fs::File::create(&path).unwrap().set_len(BUNDLE_LIMIT + 1).unwrap();
    assert!(message(&path).contains("2147483649 bytes exceeds the limit of 2147483648"));
}

/// A corruption of a file's bytes.
#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Set(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    /// A copy of a piece of the file, inserted elsewhere.
    Splice(Index, usize, Index),
    /// Another header length.
    Length(u64),
    /// Replaces one of the header's numbers by a text, with or without correcting the header length.
    Number(Index, String, bool),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let index = |at: &Index, bytes: &[u8]| at.index(bytes.len() + 1);
        match self {
            Self::Flip(at, bit) => {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] ^= 1 << bit;
                }
            }
            Self::Set(at, byte) => {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
            }
            Self::Cut(at) => bytes.truncate(index(at, bytes)),
            Self::Insert(at, piece) => {
                let at = index(at, bytes);
                bytes.splice(at..at, piece.iter().copied());
            }
            Self::Splice(from, count, to) => {
                let from = index(from, bytes);
                let piece = bytes[from..(from + count).min(bytes.len())].to_vec();
                let to = index(to, bytes);
                bytes.splice(to..to, piece);
            }
            Self::Length(length) => {
                let there = bytes.len().min(8);
                bytes[..there].copy_from_slice(&length.to_le_bytes()[..there]);
            }
            Self::Number(which, word, mend) => {
                let Some((length, _)) = bytes.split_first_chunk::<8>() else { return };
                let length = u64::from_le_bytes(*length);
                let end = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(8).min(bytes.len());
                let digit = |at: usize| at >= 8 && bytes[at].is_ascii_digit();
                let starts: Vec<usize> = (8..end).filter(|&at| digit(at) && !digit(at - 1)).collect();
                if starts.is_empty() {
                    return;
                }
                let start = starts[which.index(starts.len())];
                let stop = (start..end).find(|&at| !digit(at)).unwrap_or(end);
                bytes.splice(start..stop, word.bytes());
                if *mend {
                    let length = length.wrapping_add(word.len() as u64).wrapping_sub((stop - start) as u64);
                    bytes[..8].copy_from_slice(&length.to_le_bytes());
                }
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let words = [
        "-1",
        "0",
        "1",
        "4",
        "8",
        "1.5",
        "1e99",
        "-1e400",
        "NaN",
        "null",
        "true",
        "[]",
        "{}",
        "\"\"",
        "[1,1]",
        "4294967296",
        "2305843009213693952",
        "4611686018427387904",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999",
    ];
    let lengths = prop_oneof![any::<u64>(), 0..2000u64, select(vec![u64::MAX, u64::MAX - 7, 1 << 63, 16 << 20])];
    prop_oneof![
        (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 0..32)).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        (any::<Index>(), 0..200usize, any::<Index>()).prop_map(|(from, count, to)| Damage::Splice(from, count, to)),
        lengths.prop_map(Damage::Length),
        (any::<Index>(), select(words.to_vec()), prop::bool::weighted(0.9))
            .prop_map(|(which, word, mend)| Damage::Number(which, word.to_owned(), mend)),
    ]
}

/// Entries that are mostly contiguous, some of them invalid, in any order and over any data.
fn entries() -> impl Strategy<Value = (Vec<Entry>, Vec<u8>)> {
    let name = select(vec!["g/a", "g/b", "d/a", "ema/a", "e/a", "", "__metadata__", "näher"]);
    let dtype = prop_oneof![9 => Just("F32"), 1 => select(vec!["F16", "F64", "U8", "F4", "F99"])];
    let side = prop_oneof![20 => 0..4u64, 1 => select(vec![1 << 32, 1 << 62, 1 << 63, u64::MAX])];
    let lie = prop::option::weighted(0.1, (any::<bool>(), select(vec![0, 4, 8, 12, 1 << 40, 1 << 63, u64::MAX])));
    let one = (name, dtype, prop::collection::vec(side, 0..4), lie);
    (prop::collection::vec(one, 0..5), any::<bool>(), any::<bool>(), 0..20usize).prop_flat_map(
        |(all, reversed, exact, extra)| {
            let mut start = 0u64;
            let mut entries = Vec::new();
            for (name, dtype, shape, lie) in all {
                let bytes = shape.iter().fold(4u64, |product, side| product.saturating_mul(*side));
                let mut offsets = (start, start.saturating_add(bytes));
                // If this tensor would be too large, the next one begins at the same offset.
                start = if offsets.1 < 10_000 { offsets.1 } else { start };
                match lie {
                    Some((true, at)) => offsets.0 = at,
                    Some((false, at)) => offsets.1 = at,
                    None => {}
                }
                entries.push(Entry { name: name.to_owned(), dtype, shape, offsets });
            }
            if reversed {
                entries.reverse();
            }
            let length = start as usize + if exact { 0 } else { extra };
            // The last option gives NaN and infinity.
            let byte = prop_oneof![8 => 0..0x70u8, 1 => any::<u8>(), 3 => select(vec![0x7f, 0x80, 0xff])];
            (Just(entries), prop::collection::vec(byte, length))
        },
    )
}

/// A valid, corrupted or generated file.
fn files() -> impl Strategy<Value = Vec<u8>> {
    let whole = bytes_of(&model());
    let original = prop_oneof![Just(whole), entries().prop_map(|(entries, data)| crafted(&entries, &data)),];
    let damages = prop_oneof![1 => Just(Vec::new()), 3 => prop::collection::vec(damage(), 1..5)];
    (original, damages).prop_map(|(mut bytes, damages)| {
        damages.iter().for_each(|damage| damage.apply(&mut bytes));
        bytes
    })
}

/// Reads the file and returns whether it was accepted. An accepted file must be valid, and a rejected one must give a message.
fn check(bytes: &[u8]) -> Result<bool, TestCaseError> {
    match Bundle::from_bytes("a/b.ganspect", bytes) {
        Ok(model) => {
            let mut size = 0;
            for tensor in &model.tensors {
                let elements = tensor.shape.iter().try_fold(1usize, |product, &side| product.checked_mul(side));
                prop_assert_eq!(elements, Some(tensor.values.len()));
                prop_assert!(tensor.values.iter().all(|value| value.is_finite()));
                size += 4 * tensor.values.len();
            }
            prop_assert!(size < bytes.len());
            prop_assert!(model.tensors.is_sorted_by(|a, b| a.name < b.name));
            let again = bytes_of(&model);
            prop_assert_eq!(Bundle::from_bytes("x", &again).unwrap(), model);
            Ok(true)
        }
        Err(error) => {
            let message = error.to_string();
            prop_assert!(message.contains("a/b.ganspect") && message.contains("; "), "{}", message);
            Ok(false)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2048) })]

    /// Reading any file ends with a valid model or an error message.
    #[test]
    fn any_file_gives_a_model_or_an_error(bytes in files()) {
        check(&bytes)?;
    }
}

/// The same for a given time:
/// `GANSPECT_FUZZ_SECONDS=600 GANSPECT_FUZZ_SEED=1 cargo test --release --lib any_file_for -- --ignored --nocapture`
#[test]
#[ignore = "runs for GANSPECT_FUZZ_SECONDS, 10 when not set"]
fn any_file_for_a_given_time() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let limit = Duration::from_secs(number("GANSPECT_FUZZ_SECONDS").unwrap_or(10));
    let seed = number("GANSPECT_FUZZ_SEED").unwrap_or(1);
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner =
        TestRunner::new_with_rng(ProptestConfig::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &key));
    let files = files();
    let (mut cases, mut taken) = (0u64, 0u64);
    let begin = Instant::now();
    while begin.elapsed() < limit {
        let bytes = files.new_tree(&mut runner).unwrap().current();
        match check(&bytes) {
            Ok(accepted) => taken += u64::from(accepted),
            Err(error) => panic!("case {cases} of seed {seed}: {error}; the file: {bytes:?}"),
        }
        cases += 1;
    }
    println!("{cases} files in {:.0?}, {taken} of them accepted, no failure (seed {seed})", begin.elapsed());
    assert!(taken > 0 && taken < cases);
}
