//! Recognises the roles of the images in a tree of folders by structure and names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    super::{DataError, DatasetLayout, Label, Skipped, Subset, decode::decode},
    file_names::{FileName, defective, is_generic, shared},
    group::ImageGroup,
    name::{NamedRole, ReadName},
    pairing::{Beside, Paired, image_key, pair},
    plan::{Candidate, Plan, PlannedLabel, has_extension, skip},
    siblings::plain_fault,
    unclear::{FolderRole, FoundFolder, UnclearFolder},
    vocabulary::is_number,
};
use crate::{
    format::counted,
    text::{PrintablePath, printable},
};

/// The role of the images of one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
enum GroupRole {
    Healthy,
    Defective(String),
    ByMask,
    /// Left out, with the reason.
    LeftOut(String),
    /// Cannot be told, with the reason.
    Unclear(String),
}

/// Recognises the images among the files below `root`.
///
/// # Errors
/// [`DataError::Unclear`] where names and structure do not say which images are healthy; [`DataError::SeveralSets`].
pub(super) fn recognise(root: &Path, files: Vec<PathBuf>, skipped: Vec<Skipped>) -> Result<Plan, DataError> {
    let groups = ImageGroup::all(root, files);
    let tree = Tree::of(root, &groups);
    tree.check_several_sets()?;
    let mut plan = if tree.has_sign() { tree.by_role()? } else { tree.plain()? };
    plan.skipped.extend(skipped);
    Ok(plan)
}

/// The folders of a data set.
struct Tree<'a> {
    root: &'a Path,
    groups: &'a [ImageGroup],
    /// Folders with images that are not folders of masks.
    images: Vec<&'a ImageGroup>,
    /// Folders of masks.
    masks: Vec<&'a ImageGroup>,
    /// Masks beside the images of each folder of `images`.
    beside: Vec<Beside>,
}

impl<'a> Tree<'a> {
    fn of(root: &'a Path, groups: &'a [ImageGroup]) -> Self {
        let with_images = groups.iter().filter(|group| !group.images.is_empty());
        let (masks, images): (Vec<_>, Vec<_>) = with_images.partition(|group| group.holds_masks());
        let mut beside: Vec<Beside> = images.iter().map(|group| Beside::among(&group.images)).collect();
        // Where every file is named like a mask, the word says something else, such as a picture of a label.
        let all = images.iter().map(|group| group.images.len()).sum::<usize>();
        if masks.is_empty() && all == beside.iter().map(|beside| beside.strays.len()).sum::<usize>() {
            beside = images.iter().map(|_| Beside::default()).collect();
        }
        Self { root, groups, images, masks, beside }
    }

    /// Whether anything in the tree says that some files are not healthy training images.
    fn has_sign(&self) -> bool {
        let named = |group: &&ImageGroup| {
            group.names.iter().any(|name| name.role.is_some() || name.subset == Some(Subset::Test))
        };
        self.images.iter().any(named)
            || !self.masks.is_empty()
            || self.beside.iter().any(|beside| !beside.masks.is_empty())
            || self.annotation().is_some()
    }

    /// A folder of images without any sign of other roles: all are healthy.
    fn plain(&self) -> Result<Plan, DataError> {
        // Only whole words between separators: the name of a folder that was opened may be anything.
        let text = self.root.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let own = ReadName::of(&text);
        let about_a_set =
            |word: &String| ["detection", "dataset", "data", "set", "inspection"].contains(&word.as_str());
        let about_a_set =
            own.words.iter().any(about_a_set) || own.words.iter().any(|word| is_number(word)) && own.words.len() > 2;
        if let Some(NamedRole::Defective { .. } | NamedRole::Masks) = own.role
            && !about_a_set
        {
            return Err(self.unclear(format!(
                "the name of the folder, {}, says that it does not hold healthy parts",
                printable(&own.text)
            )));
        }
        if let Some(fault) = plain_fault(&self.images) {
            return Err(self.unclear(fault));
        }
        if let Some(plan) = self.by_file_names()? {
            return Ok(plan);
        }
        let mut plan = Plan::new(DatasetLayout::Flat);
        for group in self.groups {
            for path in group.images.iter().chain(&group.others) {
                plan.add(path.clone(), Subset::Any, Label::Healthy, None);
            }
        }
        plan.candidates.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(plan)
    }

    /// Plans images whose own names tell defective parts from healthy ones, such as OK_1.png and NG_1.png; `None` where
    /// the names of files say nothing, or the same of all, as a name of the part does.
    fn by_file_names(&self) -> Result<Option<Plan>, DataError> {
        let files: Vec<FileName<'_>> = self.images.iter().flat_map(|group| &group.images).map(FileName::of).collect();
        // A general word such as NG counts, also where all have it: no folder says otherwise.
        let common = shared(&files).into_iter().filter(|word| !is_generic(word)).collect();
        let roles: Vec<Option<NamedRole>> = files.iter().map(|file| file.role(&common)).collect();
        let is_defective = |role: &Option<NamedRole>| matches!(role, Some(NamedRole::Defective { .. }));
        let named = || files.iter().zip(&roles);
        let defective: Vec<&PathBuf> =
            named().filter(|(_, role)| is_defective(role)).map(|(file, _)| file.path).collect();
        let silent = roles.iter().any(|role| !is_defective(role) && *role != Some(NamedRole::Healthy));
        let Some(first) = defective.first() else { return Ok(None) };
        if silent || defective.len() == files.len() {
            return Err(self.unclear(format!(
                "the names of {}, for example {}, say that the parts are defective; move these to a folder of their own",
                counted(defective.len(), "image"),
                first.printable()
            )));
        }
        let mut plan = Plan::new(DatasetLayout::Folders);
        for (file, role) in named() {
            let label = if is_defective(role) { Label::Defective(file.text.clone()) } else { Label::Healthy };
            plan.add(file.path.clone(), Subset::Any, label, None);
        }
        plan.candidates.sort_by(|a, b| a.path.cmp(&b.path));
        plan.notes.push("the names of the images say which parts are defective".to_owned());
        Ok(Some(plan))
    }

    /// Plans the images of a tree whose names or masks say something about roles.
    fn by_role(&self) -> Result<Plan, DataError> {
        if self.images.is_empty() && !self.masks.is_empty() {
            return Err(self.unclear("every folder of images is named as one of masks".to_owned()));
        }
        let paired = pair(&self.masks, &self.images);
        let roles = self.roles(&paired);
        if let Some(reason) = roles.iter().find_map(|role| match role {
            GroupRole::Unclear(reason) => Some(reason.clone()),
            _ => None,
        }) {
            return Err(self.unclear(reason));
        }
        self.check_file_names(&roles, &paired)?;
        let by_mask = roles.contains(&GroupRole::ByMask);
        let strays: Vec<&PathBuf> =
            paired.orphans.iter().chain(self.beside.iter().flat_map(|beside| &beside.strays)).collect();
        if by_mask && let Some(first) = strays.first() {
            let n = if strays.len() == 1 {
                "1 mask belongs".to_owned()
            } else {
                format!("{} belong", counted(strays.len(), "mask"))
            };
            let first = first.printable();
            return Err(self.unclear(format!(
                "{n} to no image, for example {first}, so an image without a mask may be defective"
            )));
        }
        if !roles.iter().any(|role| matches!(role, GroupRole::Healthy | GroupRole::ByMask)) && self.only_types() {
            return Err(self.unclear("the names may be types of defects or of parts".to_owned()));
        }
        let subsets = self.images.iter().any(|group| subset_of(group) != Subset::Any);
        let layout = match (by_mask, subsets) {
            (true, _) => DatasetLayout::Masks,
            (_, true) => DatasetLayout::MvtecAd,
            _ => DatasetLayout::Folders,
        };
        let mut plan = Plan::new(layout);
        for ((group, beside), role) in self.images.iter().zip(&self.beside).zip(&roles) {
            add_group(&mut plan, group, beside, role, &paired);
        }
        for path in strays {
            plan.skipped.push(skip(path.clone(), "no image belongs to this mask"));
        }
        for path in self.groups.iter().flat_map(|group| &group.others) {
            plan.skipped.push(skip(path.clone(), format!("it is outside the folders of the {layout} layout")));
        }
        self.note(&mut plan, &roles);
        Ok(plan)
    }

    /// Checks that no file of a healthy folder, or without a mask, has a name that says that its part is defective.
    ///
    /// # Errors
    /// [`DataError::Unclear`] if one has: either the folder or the name is wrong.
    fn check_file_names(&self, roles: &[GroupRole], paired: &Paired) -> Result<(), DataError> {
        let all: Vec<FileName<'_>> = self.images.iter().flat_map(|group| &group.images).map(FileName::of).collect();
        let common = shared(&all);
        let mut doubtful: Vec<(&PathBuf, bool)> = Vec::new();
        for ((group, beside), role) in self.images.iter().zip(&self.beside).zip(roles) {
            let by_mask = *role == GroupRole::ByMask;
            if !by_mask && *role != GroupRole::Healthy {
                continue;
            }
            let has_mask = |path: &PathBuf| beside.pairs.contains_key(path) || paired.masks.contains_key(path);
            let found = defective(&group.images, &common).0.into_iter();
            let found = found.filter(|path| !(beside.masks.contains(*path) || by_mask && has_mask(path)));
            doubtful.extend(found.map(|path| (path, by_mask)));
        }
        // A file that is no image is not trained on, whatever its name: broken.png.
        if doubtful.len() <= DECODED {
            doubtful.retain(|(path, _)| decode(path).is_ok());
        }
        let Some(&(path, by_mask)) = doubtful.first() else { return Ok(()) };
        let count = doubtful.len();
        let path = path.printable();
        let what = match count {
            1 => format!("the name of 1 image, {path}, says that the part is defective"),
            n => format!("the names of {}, for example {path}, say that the parts are defective", counted(n, "image")),
        };
        let place = match (count, by_mask) {
            (1, true) => "it has no mask",
            (1, false) => "it is in a folder of healthy parts",
            (_, true) => "they have no mask",
            (_, false) => "they are in a folder of healthy parts",
        };
        let them = if count == 1 { "it" } else { "them" };
        Err(self.unclear(format!("{what}, but {place}; rename {them}, or move {them} to a folder of defective parts")))
    }

    /// Says how folders without a known name were understood.
    fn note(&self, plan: &mut Plan, roles: &[GroupRole]) {
        if roles.contains(&GroupRole::ByMask) {
            plan.notes.push("images whose mask marks something are defective, images without a mask or with an empty one are healthy".to_owned());
        }
        let mut types: BTreeSet<&str> = BTreeSet::new();
        for (group, role) in self.images.iter().zip(roles) {
            if let GroupRole::Defective(defect) = role
                && !group.names.iter().any(|name| matches!(name.role, Some(NamedRole::Defective { .. })))
            {
                types.insert(defect);
            }
        }
        if !types.is_empty() {
            let named: Vec<&str> = types.into_iter().collect();
            plan.notes.push(format!(
                "folders beside the healthy ones are taken as types of defects: {}",
                printable(&named.join(", "))
            ));
        }
    }

    /// Whether the only names that say something are types of defects, which may be names of parts as well.
    fn only_types(&self) -> bool {
        let named = |group: &&ImageGroup| {
            group.names.iter().any(|name| {
                matches!(name.role, Some(NamedRole::Healthy | NamedRole::Defective { is_type: false }))
                    || name.subset.is_some()
            })
        };
        self.masks.is_empty() && !self.images.iter().any(named)
    }

    /// The role of every folder of images.
    fn roles(&self, paired: &Paired) -> Vec<GroupRole> {
        let named: Vec<Option<GroupRole>> = self.images.iter().map(|group| self.named(group)).collect();
        let of = |role: fn(&GroupRole) -> bool| named.iter().flatten().any(role);
        let healthy = of(|role| *role == GroupRole::Healthy);
        let defective = of(|role| matches!(role, GroupRole::Defective(_)));
        let has_masks = |group: &ImageGroup| group.images.iter().any(|path| paired.masks.contains_key(path));
        let any_masks = self.images.iter().any(|group| has_masks(group));
        let resolve = |(i, named): (usize, Option<GroupRole>)| {
            let group = self.images[i];
            if let Some(role) = named {
                return role;
            }
            if !self.beside[i].masks.is_empty() || (any_masks && !healthy && !defective) {
                return GroupRole::ByMask;
            }
            self.by_siblings(group, healthy, has_masks(group))
        };
        named.into_iter().enumerate().map(resolve).collect()
    }

    /// The role that the names of a folder and of those above it say.
    fn named(&self, group: &ImageGroup) -> Option<GroupRole> {
        let level = group.names.iter().rposition(|name| name.role.is_some())?;
        let name = &group.names[level];
        match name.role? {
            NamedRole::Healthy => {
                let above =
                    group.names[..level].iter().any(|name| matches!(name.role, Some(NamedRole::Defective { .. })));
                let told_apart =
                    || self.siblings(group, level).iter().any(|name| name.role != Some(NamedRole::Healthy));
                if above && !told_apart() {
                    return Some(GroupRole::Unclear(format!("{} is in a folder of defective parts", show(group))));
                }
                Some(GroupRole::Healthy)
            }
            NamedRole::Defective { .. } => Some(GroupRole::Defective(defect_type(group, level))),
            NamedRole::Unjudged => Some(GroupRole::LeftOut(format!(
                "its folder, {}, holds parts that are not judged",
                printable(&name.text)
            ))),
            NamedRole::Either => {
                Some(GroupRole::Unclear(format!("the name {} can be read in two ways", printable(&name.text))))
            }
            NamedRole::Masks => None,
        }
    }

    /// The role of a folder without a known name, by the folders beside it and by whether its images have masks elsewhere.
    fn by_siblings(&self, group: &ImageGroup, healthy: bool, masked: bool) -> GroupRole {
        let unnamed = |level: &usize| group.names[*level].role.is_none() && group.names[*level].subset.is_none();
        let beside = |level: usize, is: fn(&ReadName) -> bool| self.siblings(group, level).into_iter().any(is);
        let beside_healthy = |level: &usize| beside(*level, |name| name.role == Some(NamedRole::Healthy));
        let unknown = |level: &usize| !group.names[*level].is_neutral();
        let in_test =
            |level: &usize| healthy && group.names[..*level].iter().any(|name| name.subset == Some(Subset::Test));
        let levels = || (0..group.names.len()).filter(unnamed);
        let says_nothing = GroupRole::Unclear(format!("{} does not say whether its parts are healthy", show(group)));
        // A folder beside a healthy one is a type of defect, whatever its name: test/good and test/color.
        if let Some(level) = levels().find(|level| beside_healthy(level) || unknown(level) && in_test(level)) {
            let name = &group.names[level];
            let numbered = name.words.iter().any(|word| is_number(word)) && name.is_neutral();
            return match beside(level, ReadName::is_any_defect) {
                _ if masked => GroupRole::Defective(name.text.clone()),
                true if name.is_neutral() => GroupRole::LeftOut(BESIDE.to_owned()),
                false if !numbered => GroupRole::Defective(name.text.clone()),
                _ => says_nothing,
            };
        }
        match levels().find(unknown) {
            None if healthy && subset_of(group) != Subset::Train => GroupRole::LeftOut(BESIDE.to_owned()),
            _ => says_nothing,
        }
    }

    /// The names of the folders beside the folder at `level` above a group, itself left out.
    fn siblings(&self, group: &ImageGroup, level: usize) -> Vec<&ReadName> {
        let beside = |other: &&&ImageGroup| {
            other.names.len() > level
                && other.names[..level].iter().zip(&group.names).all(|(a, b)| a.text == b.text)
                && other.names[level].text != group.names[level].text
        };
        self.images.iter().filter(beside).map(|other| &other.names[level]).collect()
    }

    /// Whether the tree holds several data sets, one surface each.
    fn check_several_sets(&self) -> Result<(), DataError> {
        let first = self.images.first();
        let shared = first.map_or(0, |first| {
            let same = |level: usize| {
                self.images
                    .iter()
                    .all(|g| g.names.get(level).map(|n| &n.text) == first.names.get(level).map(|n| &n.text))
            };
            (0..first.names.len()).take_while(|&level| same(level)).count()
        });
        let mut sets: BTreeMap<&str, bool> = BTreeMap::new();
        for group in &self.images {
            let Some(name) = group.names.get(shared) else { continue };
            if name.role.is_some() || name.subset.is_some() || name.is_neutral() {
                continue;
            }
            let below = &group.names[shared + 1..];
            let inner = below.iter().any(|name| name.subset.is_some() || name.role == Some(NamedRole::Healthy));
            *sets.entry(&name.text).or_default() |= inner;
        }
        let names: Vec<String> =
            sets.into_iter().filter(|(_, inner)| *inner).map(|(name, _)| name.to_owned()).collect();
        if names.len() < 2 {
            return Ok(());
        }
        Err(DataError::SeveralSets { root: self.root.to_owned(), names })
    }

    /// An annotation file of an image that this program cannot read, such as a list of boxes.
    fn annotation(&self) -> Option<PathBuf> {
        let keys: BTreeSet<Vec<String>> =
            self.images.iter().flat_map(|group| &group.images).map(|path| image_key(path)).collect();
        let others = self.groups.iter().flat_map(|group| &group.others);
        let beside = others.filter(|path| {
            has_extension(path, &["json"]) || has_extension(path, &["txt", "xml"]) && keys.contains(&image_key(path))
        });
        beside.take(ANNOTATIONS).find(|path| is_annotation(path)).cloned()
    }

    fn unclear(&self, reason: String) -> DataError {
        let reason = match self.annotation() {
            Some(path) => format!("{} is an annotation of a kind that is not read", path.printable()),
            None => reason,
        };
        let suggested = |group: &ImageGroup| match self.named(group) {
            _ if group.holds_masks() => Some(FolderRole::Masks),
            Some(GroupRole::Healthy) => Some(FolderRole::Healthy),
            Some(GroupRole::Defective(_)) => Some(FolderRole::Defective),
            Some(GroupRole::LeftOut(_)) => Some(FolderRole::LeftOut),
            _ => match subset_of(group) {
                Subset::Train => Some(FolderRole::Healthy),
                _ => None,
            },
        };
        let found = |group: &&ImageGroup| FoundFolder {
            folder: group.folder.clone(),
            images: group.images.len(),
            suggested: suggested(group),
        };
        let folders = self.groups.iter().filter(|group| !group.images.is_empty());
        let folders = folders.collect::<Vec<_>>().iter().map(found).collect();
        DataError::Unclear(Box::new(UnclearFolder { root: self.root.to_owned(), reason, folders }))
    }
}

/// Why images are left out that lie beside folders with a role.
const BESIDE: &str = "it is beside the folders that say which parts are healthy";

/// Most files with a doubtful name that are decoded to see whether they are images.
const DECODED: usize = 64;

/// Number of files that are searched for annotations.
const ANNOTATIONS: usize = 40;

/// Whether a text file annotates an image: boxes or outlines of defects.
fn is_annotation(path: &Path) -> bool {
    let mut head = String::new();
    let Ok(file) = File::open(path) else { return false };
    if file.take(1 << 16).read_to_string(&mut head).is_err() {
        return false;
    }
    if has_extension(path, &["xml"]) {
        return head.contains("<object");
    }
    if has_extension(path, &["json"]) {
        return head.contains("\"shapes\"") || head.contains("\"annotations\"") || head.contains("\"regions\"");
    }
    // A class and a box or an outline per line.
    let is_box = |line: &str| {
        let numbers: Vec<f64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
        numbers.len() >= 5
            && numbers.len() == line.split_whitespace().count()
            && numbers[1..].iter().all(|v| (0.0..=1.0).contains(v))
    };
    let mut lines = head.lines().filter(|line| !line.trim().is_empty()).peekable();
    lines.peek().is_some() && lines.all(is_box)
}

/// Adds the images of one folder.
fn add_group(plan: &mut Plan, group: &ImageGroup, beside: &Beside, role: &GroupRole, paired: &Paired) {
    let subset = subset_of(group);
    for path in group.images.iter().filter(|path| !beside.masks.contains(*path)) {
        let label = match role {
            GroupRole::Healthy => PlannedLabel::Known(Label::Healthy),
            GroupRole::Defective(defect) => PlannedLabel::Known(Label::Defective(defect.clone())),
            GroupRole::ByMask => PlannedLabel::ByMask("defect".to_owned()),
            GroupRole::LeftOut(reason) | GroupRole::Unclear(reason) => {
                plan.skipped.push(skip(path.clone(), reason.clone()));
                continue;
            }
        };
        let masks: Vec<&PathBuf> =
            [beside.pairs.get(path), paired.masks.get(path)].into_iter().flatten().flatten().collect();
        add(plan, Candidate { path: path.clone(), subset, label, mask: None }, &masks);
    }
}

/// Adds an image with its mask. One with several masks is used without: one of them would mark only a part.
pub(super) fn add(plan: &mut Plan, mut candidate: Candidate, masks: &[&PathBuf]) {
    match masks {
        [] => {}
        [only] => candidate.mask = Some(PathBuf::clone(only)),
        several => {
            let reason =
                format!("{} has {} masks; it is used without a mask", candidate.path.printable(), several.len());
            plan.skipped.extend(several.iter().map(|mask| skip(PathBuf::clone(mask), reason.clone())));
            if let PlannedLabel::ByMask(defect) = candidate.label {
                candidate.label = PlannedLabel::Known(Label::Defective(defect));
            }
        }
    }
    plan.candidates.push(candidate);
}

/// The subset that the names of a folder say.
pub(super) fn subset_of(group: &ImageGroup) -> Subset {
    group.names.iter().find_map(|name| name.subset).unwrap_or(Subset::Any)
}

/// The type of the defects in a folder below the folder at `level`, which says that its parts are defective.
pub(super) fn defect_type(group: &ImageGroup, level: usize) -> String {
    let below = group.names[level + 1..].iter().find(|name| !name.is_neutral());
    below.unwrap_or(&group.names[level]).text.clone()
}

fn show(group: &ImageGroup) -> String {
    if group.names.is_empty() { "the folder itself".to_owned() } else { group.folder.printable().to_string() }
}
