//! Whether the names of folders beside each other say that they hold the same kind of images.

use std::collections::BTreeMap;

use super::{group::ImageGroup, name::ReadName, vocabulary::is_number};
use crate::text::printable;

/// Largest number of numbered folders that may be classes rather than batches.
const FEW: usize = 3;

/// Words for a class, whose numbers are labels where there are few.
const CLASSES: [&str; 13] = [
    "class",
    "klasse",
    "classe",
    "clase",
    "label",
    "category",
    "kategorie",
    "cat",
    "cls",
    "type",
    "typ",
    "status",
    "cluster",
];

/// Returns why the folders of a tree without any name of a role may still hold different kinds of images; `None` for
/// one folder, and for dates, batches, cameras and the like.
pub(super) fn plain_fault(groups: &[&ImageGroup]) -> Option<String> {
    let mut parents: BTreeMap<Vec<&str>, (bool, BTreeMap<&str, &ReadName>)> = BTreeMap::new();
    for group in groups {
        for level in 0..group.names.len() {
            let above = group.names[..level].iter().map(|name| name.text.as_str()).collect();
            let name = &group.names[level];
            parents.entry(above).or_default().1.insert(&name.text, name);
        }
        parents.entry(group.names.iter().map(|name| name.text.as_str()).collect()).or_default().0 = true;
    }
    parents.into_values().find_map(|(own, children)| fault(own, &children.into_values().collect::<Vec<_>>()))
}

/// Returns why folders beside each other may differ; `own` says whether images lie beside them.
fn fault(own: bool, names: &[&ReadName]) -> Option<String> {
    if names.len() + usize::from(own) < 2 {
        return None;
    }
    let few = names.len() <= FEW && !own;
    if few && names.iter().all(|name| name.number().is_some_and(|n| n <= FEW as u64)) {
        return Some(format!("{} may be labels", listed(names)));
    }
    if names.iter().all(|name| name.is_neutral() || is_serial(name)) {
        return None;
    }
    let stem = names[0].stem();
    let alike =
        names.len() > 1 && stem.iter().any(|word| word.chars().count() > 1) && names.iter().all(|n| n.stem() == stem);
    if alike && few && stem.iter().any(|word| CLASSES.contains(word)) {
        return Some(format!("{} may be labels", listed(names)));
    }
    if alike && !own {
        return None;
    }
    let unknown: Vec<&ReadName> = names.iter().filter(|name| !name.is_neutral() && !is_serial(name)).copied().collect();
    Some(match own {
        true => format!("images lie beside {}, whose name says nothing about its parts", listed(&unknown)),
        false => format!("the names {} say nothing about the parts", listed(&unknown)),
    })
}

/// Whether a name is a serial number, such as P1234 or AB 12 34.
fn is_serial(name: &ReadName) -> bool {
    let digits: usize = name.words.iter().filter(|word| is_number(word)).map(String::len).sum();
    name.role.is_none() && digits >= 3 && name.words.iter().all(|word| is_number(word) || word.chars().count() <= 3)
}

fn listed(names: &[&ReadName]) -> String {
    let first: Vec<&str> = names.iter().take(4).map(|name| name.text.as_str()).collect();
    let more = names.len().saturating_sub(first.len());
    let joined = printable(&first.join(", ")).into_owned();
    if more > 0 { format!("{joined} and {more} more") } else { joined }
}
