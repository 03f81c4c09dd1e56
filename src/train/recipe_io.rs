//! Recipes by key: getting, setting and checking single knobs, and reading and writing recipe files.

use toml::Value;

use super::{
    knobs::{KNOBS, knob, plain},
    recipe::Recipe,
    recipe_error::RecipeError,
};
use crate::{
    data::{BitDepth, Dataset},
    model::{Channels, LatentKind},
};

/// Largest number of changed knobs that are described one by one.
const MANY_CHANGES: usize = 3;

/// Returns the valid key with the most similar spelling, if one is close.
fn nearest(key: &str) -> Option<&'static str> {
    let distance = |k: &str| {
        // A bare name ("k_g") is compared with the last part of the dotted key as well.
        let tail = k.rsplit('.').next().unwrap_or(k);
        edit_distance(key, k).min(edit_distance(key, tail))
    };
    let best = KNOBS.iter().map(|k| (distance(k.key), k.key)).min()?;
    (best.0 <= 2 + key.len() / 3).then_some(best.1)
}

/// Levenshtein distance between two short words.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

impl Recipe {
    /// Converts the recipe to a TOML table of tables.
    fn table(&self) -> toml::Table {
        toml::Table::try_from(self).unwrap_or_default()
    }

    /// Returns the value of the knob `key`.
    pub fn get(&self, key: &str) -> Option<Value> {
        let mut value = Value::Table(self.table());
        for part in key.split('.') {
            value = value.as_table_mut()?.remove(part)?;
        }
        Some(value)
    }

    /// Sets one knob.
    ///
    /// # Errors
    /// [`RecipeError`] names the key and its range, or the nearest valid key; the recipe is then unchanged.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), RecipeError> {
        let knob = knob(key).ok_or_else(|| RecipeError::UnknownKey { key: key.into(), nearest: nearest(key) })?;
        let value = knob.check(value)?;
        let mut table = self.table();
        insert(&mut table, key, value);
        let next: Self = table.try_into().map_err(|e: toml::de::Error| RecipeError::Syntax(e.message().into()))?;
        *self = next;
        Ok(())
    }

    /// Applies an assignment `key=value` from the command line.
    ///
    /// # Errors
    /// As [`Recipe::set`], or [`RecipeError::NotAssignment`].
    pub fn assign(&mut self, assignment: &str) -> Result<(), RecipeError> {
        let (key, text) = assignment.split_once('=').ok_or_else(|| RecipeError::NotAssignment(assignment.into()))?;
        let text = text.trim();
        let value = match text.parse::<i64>() {
            Ok(whole) => Value::Integer(whole),
            Err(_) => match (text.parse::<f64>(), text) {
                (Ok(number), _) => Value::Float(number),
                (_, "true") => Value::Boolean(true),
                (_, "false") => Value::Boolean(false),
                _ => Value::String(text.into()),
            },
        };
        self.set(key.trim(), &value)
    }

    /// Parses a recipe file; missing knobs keep the values of the Laptop preset.
    ///
    /// # Errors
    /// [`RecipeError`] for invalid TOML, an unknown key, or a value out of range.
    pub fn from_toml(text: &str) -> Result<Self, RecipeError> {
        Self::from_table(&parsed(text)?)
    }

    fn from_table(table: &toml::Table) -> Result<Self, RecipeError> {
        let mut recipe = Self::default();
        for (name, value) in table {
            match value {
                Value::Table(section) => {
                    for (key, value) in section {
                        recipe.set(&format!("{name}.{key}"), value)?;
                    }
                }
                value => recipe.set(name, value)?,
            }
        }
        recipe.validate()?;
        Ok(recipe)
    }

    /// Parses a recipe stored with a run or a model. Knobs that did not exist when it was written get the behaviour of
    /// that time.
    ///
    /// # Errors
    /// As [`Recipe::from_toml`].
    pub fn from_record(text: &str) -> Result<Self, RecipeError> {
        let table = parsed(text)?;
        let mut recipe = Self::from_table(&table)?;
        let has = |knob: &str| table.get("critic").is_some_and(|critic| critic.get(knob).is_some());
        if !has("level") {
            recipe.critic.level = false;
        }
        if !has("views") {
            recipe.critic.views = false;
        }
        if !has("drop_outliers") {
            recipe.critic.drop_outliers = false;
        }
        if !has("pretrained") {
            recipe.critic.pretrained = false;
        }
        if !has("width") {
            recipe.critic.width = 48;
        }
        if table.get("data").is_none_or(|data| data.get("bit_depth").is_none()) {
            recipe.data.bit_depth = BitDepth::Sixteen;
        }
        if table.get("model").is_none_or(|model| model.get("channels").is_none()) {
            recipe.model.channels = Channels::Grey;
        }
        Ok(recipe)
    }

    /// The recipe of a run on these images: what it leaves to the images is decided, once, so that inspections read
    /// theirs likewise.
    #[must_use]
    pub fn decided(&self, images: &Dataset) -> Self {
        let mut recipe = self.clone();
        recipe.data.bit_depth = recipe.data.bit_depth.or(images.bit_depth());
        recipe.model.channels = recipe.model.channels.decided(images.colour().is_seen());
        recipe
    }

    /// The recipe with everything left to the images that `asked` leaves to them.
    #[must_use]
    pub fn undecided(&self, asked: &Self) -> Self {
        let mut recipe = self.clone();
        if asked.data.bit_depth == BitDepth::Auto {
            recipe.data.bit_depth = BitDepth::Auto;
        }
        if asked.model.channels == Channels::Auto {
            recipe.model.channels = Channels::Auto;
        }
        recipe
    }

    /// Writes the recipe as the text of a recipe file with every knob.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }

    /// Checks the range of every knob and the dependencies between knobs.
    ///
    /// # Errors
    /// The first [`RecipeError`] found.
    pub fn validate(&self) -> Result<(), RecipeError> {
        for knob in KNOBS {
            if let Some(value) = self.get(knob.key) {
                knob.check(&value)?;
            }
        }
        let m = &self.model;
        // For narrow limits, the share of accepted samples is about 0.8 * limit / std.
        if m.latent == LatentKind::TruncatedNormal && m.latent_limit < 0.05 * m.latent_std {
            return Err(RecipeError::Conflict(format!(
                "model.latent_limit {} truncates nearly all of a normal with standard deviation {}; increase it to {} or more",
                m.latent_limit,
                m.latent_std,
                0.05 * m.latent_std
            )));
        }
        Ok(())
    }

    /// Lists the knobs in which `self` and `other` differ: key, own value, other value.
    pub fn differences(&self, other: &Self) -> Vec<(&'static str, String, String)> {
        KNOBS
            .iter()
            .filter_map(|k| {
                let (a, b) = (self.get(k.key)?, other.get(k.key)?);
                (a != b).then(|| (k.key, plain(&a), plain(&b)))
            })
            .collect()
    }

    /// Names the change from `self` to `after`, with `to` between the values: "D learning rate from 0.0001 to 0.0002". Of
    /// many knobs it names the first ones. Empty without a difference.
    pub fn describe_change(&self, after: &Self, to: &str) -> String {
        let changes = self.differences(after);
        let label = |key: &'static str| knob(key).map_or(key, |knob| knob.label);
        if changes.len() > MANY_CHANGES {
            let named: Vec<&str> = changes.iter().take(MANY_CHANGES).map(|(key, ..)| label(key)).collect();
            return format!("{} settings, among them {}", changes.len(), named.join(", "));
        }
        let words = changes.into_iter().map(|(key, old, new)| format!("{} from {old} {to} {new}", label(key)));
        words.collect::<Vec<_>>().join("; ")
    }

    /// Adopts the live knobs of `wanted` and keeps the locked ones.
    pub fn adopt_live(&mut self, wanted: &Self) {
        let data = self.data.clone();
        let model = self.model.clone();
        let seed = self.seed;
        *self = Self { seed, data, model, ..wanted.clone() };
    }
}

fn parsed(text: &str) -> Result<toml::Table, RecipeError> {
    text.parse().map_err(|e: toml::de::Error| RecipeError::Syntax(e.to_string().trim_end().into()))
}

fn insert(table: &mut toml::Table, key: &str, value: Value) {
    match key.split_once('.') {
        Some((section, rest)) => {
            if let Some(Value::Table(inner)) = table.get_mut(section) {
                insert(inner, rest, value);
            }
        }
        None => {
            table.insert(key.into(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Preset;

    #[test]
    fn the_table_names_every_field_of_the_recipe_once() {
        let table = Recipe::default().table();
        let mut fields: Vec<String> = Vec::new();
        for (name, value) in &table {
            match value {
                Value::Table(section) => fields.extend(section.keys().map(|k| format!("{name}.{k}"))),
                _ => fields.push(name.clone()),
            }
        }
        let mut keys: Vec<String> = KNOBS.iter().map(|k| k.key.to_string()).collect();
        fields.sort();
        keys.sort();
        assert_eq!(fields, keys);
    }

    #[test]
    fn presets_are_valid_and_survive_the_file() {
        for preset in Preset::ALL {
            let recipe = preset.recipe();
            recipe.validate().unwrap();
            assert_eq!(Recipe::from_toml(&recipe.to_toml()).unwrap(), recipe, "{}", preset.title());
        }
    }

    #[test]
    fn the_file_has_no_trailing_digits() {
        let text = Preset::Talk2017.recipe().to_toml();
        assert!(text.contains("lr = 0.0002"), "{text}");
        assert!(text.contains("latent_std = 0.6"), "{text}");
    }

    #[test]
    fn an_older_record_gets_the_behaviour_of_its_time() {
        // Before these knobs existed, images were not normalised or augmented, and the critic was wider.
        let now = Recipe::default();
        let without = |text: String, line: &str| text.replace(line, "");
        let before = ["level", "views", "drop_outliers", "pretrained"]
            .into_iter()
            .fold(now.to_toml(), |text, knob| without(text, &format!("{knob} = true\n")));
        let before = ["width = 24\n", "bit_depth = \"auto\"\n"].into_iter().fold(before, without);
        let of = |recipe: Recipe| {
            let critic = recipe.critic;
            (critic.level, critic.views, critic.width, critic.drop_outliers, critic.pretrained)
        };
        assert_eq!(of(Recipe::from_record(&before).unwrap()), (false, false, 48, false, false));
        // 16-bit samples were always read as using all bits.
        assert_eq!(Recipe::from_record(&before).unwrap().data.bit_depth, BitDepth::Sixteen);
        for text in [&before, &now.to_toml()] {
            assert_eq!(of(Recipe::from_toml(text).unwrap()), (true, true, 24, true, true));
        }
        assert_eq!(Recipe::from_record(&now.to_toml()).unwrap(), now);
    }

    #[test]
    fn the_images_decide_what_a_recipe_leaves_to_them_for_one_run() {
        let open =
            |source: &str| source.parse::<crate::data::DataSource>().unwrap().open(&|_, _| true).unwrap().dataset;
        let (grey, coloured) = (open("surface:ground"), open("surface:painted"));
        let asked = Recipe::default();
        let decided = asked.decided(&coloured);
        assert_eq!(decided.model.channels, Channels::Colour);
        assert_eq!(asked.decided(&grey).model.channels, Channels::Grey);
        assert_eq!(decided.decided(&grey), decided, "what is decided stays");
        assert_eq!(decided.undecided(&asked), asked);
        assert_eq!(decided.undecided(&decided), decided);
        // It is stored as a number, as ever.
        assert!(decided.to_toml().contains("channels = 3\n") && asked.to_toml().contains("channels = \"auto\"\n"));
        assert_eq!(Recipe::from_record(&decided.to_toml()).unwrap(), decided);
    }

    #[test]
    fn an_unknown_key_gets_the_nearest_one() {
        let error = Recipe::from_toml("[train]\nkg = 2\n").unwrap_err();
        assert_eq!(error.to_string(), "the recipe has no knob 'train.kg'; the nearest is 'train.k_g'");
        let error = Recipe::default().assign("k_g=2").unwrap_err();
        assert!(error.to_string().contains("'train.k_g'"), "{error}");
    }

    #[test]
    fn a_value_out_of_range_names_the_key_and_the_range() {
        let mut recipe = Recipe::default();
        let error = recipe.assign("train.batch=1").unwrap_err();
        assert_eq!(error.to_string(), "'train.batch' is 1, but must be a whole number from 2 to 256");
        assert_eq!(recipe, Recipe::default());
        let error = recipe.assign("g.kind=adamw").unwrap_err();
        assert_eq!(error.to_string(), "'g.kind' is adamw, but must be one of adam, sgd, rms-prop");
        assert!(recipe.assign("train.batch").unwrap_err().to_string().contains("key=value"));
        assert!(recipe.assign("g.lr=nan").is_err());
    }

    #[test]
    fn assignments_reach_their_fields() {
        let mut recipe = Recipe::default();
        for text in ["train.k_g=3", "g.lr=1", "model.latent=uniform", "data.quarter_turns=true", "d.lr=1e-3"] {
            if text == "g.lr=1" {
                assert!(recipe.assign(text).is_err());
            } else {
                recipe.assign(text).unwrap();
            }
        }
        assert_eq!(recipe.train.k_g, 3);
        assert_eq!(recipe.d.lr, 1e-3);
        assert!(recipe.data.quarter_turns);
        let keys: Vec<&str> = recipe.differences(&Recipe::default()).iter().map(|d| d.0).collect();
        assert_eq!(keys, ["train.k_g", "d.lr", "model.latent", "data.quarter_turns"]);
    }

    #[test]
    fn adopting_live_knobs_leaves_the_networks_alone() {
        let mut recipe = Recipe::default();
        let talk = Preset::Talk2017.recipe();
        recipe.adopt_live(&talk);
        assert_eq!(recipe.train, talk.train);
        assert_eq!(recipe.model, Recipe::default().model);
    }
}
