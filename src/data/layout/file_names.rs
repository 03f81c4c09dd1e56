//! What the names of image files say about their parts.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::{
    name::{NamedRole, ReadName, role_of},
    vocabulary::{Meaning, meaning},
};

/// Fewest hexadecimal digits of a name that is a hash or an identifier.
const HASH: usize = 12;

/// Fewest digits in front of a word without a separator: 0012NG, but not 3ko.
const COUNTER: usize = 3;

/// The name of a file, read.
pub(super) struct FileName<'a> {
    pub(super) path: &'a PathBuf,
    /// The words in it, as they are.
    pub(super) text: String,
    /// The same, folded.
    words: Vec<String>,
}

impl<'a> FileName<'a> {
    pub(super) fn of(path: &'a PathBuf) -> Self {
        let text = words_of(path);
        Self { path, words: ReadName::of(&text).words, text }
    }

    fn has(&self, is: impl Fn(Meaning) -> bool) -> bool {
        self.words.iter().any(|word| meaning(word).is_some_and(&is))
    }

    /// What the name says about the part, apart from words that say nothing.
    pub(super) fn role(&self, silent: &HashSet<String>) -> Option<NamedRole> {
        let words: Vec<String> = self.words.iter().filter(|word| !silent.contains(*word)).cloned().collect();
        role_of(&words)
    }
}

/// Returns the words about roles that every one of several names has, as the name of a part does: they tell none from
/// another. Where some names negate, each word counts.
pub(super) fn shared(names: &[FileName<'_>]) -> HashSet<String> {
    let negates = |name: &FileName<'_>| name.has(|meaning| matches!(meaning, Meaning::Not | Meaning::Free));
    let [first, others @ ..] = names else { return HashSet::new() };
    if others.is_empty() || names.iter().any(negates) {
        return HashSet::new();
    }
    first.words.iter().filter(|word| others.iter().all(|other| other.words.contains(word))).cloned().collect()
}

/// Whether a word says defective in general, such as NG, rather than a type of defect.
pub(super) fn is_generic(word: &str) -> bool {
    meaning(word) == Some(Meaning::Defective)
}

/// Returns the files of a folder of healthy parts whose names say that the parts are defective, and whether every one of
/// them names a type of defect rather than a word such as "NG". `common` are the words that all files of the data set
/// share; types of defects that the whole folder shares say nothing either, as in crack-sensor_001.png.
pub(super) fn defective<'a>(files: &'a [PathBuf], common: &HashSet<String>) -> (Vec<&'a PathBuf>, bool) {
    let names: Vec<FileName<'_>> = files.iter().map(FileName::of).collect();
    let mut silent: HashSet<String> = shared(&names).into_iter().filter(|word| !is_generic(word)).collect();
    silent.extend(common.iter().cloned());
    let (mut found, mut only_types) = (Vec::new(), true);
    for name in &names {
        // A word of praise in the name itself is weighed against the rest: the folder has the last word.
        if let Some(NamedRole::Defective { .. }) = name.role(&silent) {
            found.push(name.path);
            only_types &= !name.words.iter().any(|word| is_generic(word) && !silent.contains(word));
        }
    }
    (found, only_types)
}

/// Returns the words of a file's name, with a space between them; nothing for a hash or an identifier, which may contain any
/// letters.
fn words_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let signs = || stem.chars().filter(|c| c.is_alphanumeric());
    if signs().count() >= HASH && signs().all(|c| c.is_ascii_hexdigit()) {
        return String::new();
    }
    let digit = |c: char| c.is_ascii_digit();
    // Only whole words, with a number at the end or a counter in front: OK1 and 0012NG, but not x3ko7.
    let word = |word: &'_ str| -> String {
        let counter = word.chars().take_while(|c| digit(*c)).count();
        let word = if counter >= COUNTER { word.trim_start_matches(digit) } else { word };
        word.trim_end_matches(digit).to_owned()
    };
    let words = stem.split(|c: char| !c.is_alphanumeric()).map(word);
    words.filter(|word| !word.is_empty() && word.chars().all(char::is_alphabetic)).collect::<Vec<_>>().join(" ")
}
