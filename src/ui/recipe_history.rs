//! The recipe being edited, with undo and redo.

use std::time::{Duration, Instant};

use toml::Value;

use crate::train::{Recipe, RecipeError};

/// Changes of one knob within this time count as one.
const ONE_CHANGE: Duration = Duration::from_millis(800);
/// Maximum number of undo steps.
const DEPTH: usize = 200;

/// The current recipe and its undo history.
#[derive(Debug)]
pub(crate) struct RecipeHistory {
    current: Recipe,
    initial: Recipe,
    undo: Vec<Recipe>,
    redo: Vec<Recipe>,
    last: Option<(&'static str, Instant)>,
    /// What undo and redo would change, in words.
    words: [String; 2],
}

impl RecipeHistory {
    /// Starts with a recipe and an empty history.
    pub(crate) fn new(recipe: Recipe) -> Self {
        Self {
            current: recipe.clone(),
            initial: recipe,
            undo: Vec::new(),
            redo: Vec::new(),
            last: None,
            words: Default::default(),
        }
    }

    /// The recipe as edited.
    pub(crate) fn current(&self) -> &Recipe {
        &self.current
    }

    /// The recipe that a reset of a knob returns to.
    pub(crate) fn initial(&self) -> &Recipe {
        &self.initial
    }

    /// Whether there is a change to undo, and one to redo.
    pub(crate) fn can(&self) -> (bool, bool) {
        (!self.undo.is_empty(), !self.redo.is_empty())
    }

    /// What undo and redo would change, in words; empty if there is nothing.
    pub(crate) fn words(&self) -> [&str; 2] {
        self.words.each_ref().map(String::as_str)
    }

    /// Names the changes that can be undone and redone.
    fn name_changes(&mut self) {
        let words =
            |other: Option<&Recipe>, to: &str| other.map_or_else(String::new, |r| self.current.describe_change(r, to));
        self.words = [words(self.undo.last(), "back to"), words(self.redo.last(), "to")];
    }

    /// Sets one knob at time `now`; returns whether the recipe changed.
    ///
    /// # Errors
    /// [`RecipeError`] for a value outside the knob's range.
    pub(crate) fn set(&mut self, key: &'static str, value: &Value, now: Instant) -> Result<bool, RecipeError> {
        let mut next = self.current.clone();
        next.set(key, value)?;
        if next == self.current {
            return Ok(false);
        }
        let same = self.last.is_some_and(|(last, at)| last == key && now.saturating_duration_since(at) < ONE_CHANGE);
        if !same {
            self.remember();
        }
        self.last = Some((key, now));
        self.redo.clear();
        self.current = next;
        self.name_changes();
        Ok(true)
    }

    /// Replaces the recipe; returns whether it changed.
    pub(crate) fn replace(&mut self, recipe: Recipe) -> bool {
        if recipe == self.current {
            return false;
        }
        self.remember();
        self.last = None;
        self.redo.clear();
        self.current = recipe;
        self.name_changes();
        true
    }

    /// Makes the current recipe the one that resets return to.
    pub(crate) fn rebase(&mut self) {
        self.initial = self.current.clone();
    }

    /// Undoes the last change and names it; `None` if there is none.
    pub(crate) fn undo(&mut self) -> Option<String> {
        let before = self.undo.pop()?;
        let [words, _] = std::mem::take(&mut self.words);
        self.redo.push(std::mem::replace(&mut self.current, before));
        self.last = None;
        self.name_changes();
        Some(words)
    }

    /// Redoes the change last undone and names it; `None` if there is none.
    pub(crate) fn redo(&mut self) -> Option<String> {
        let after = self.redo.pop()?;
        let [_, words] = std::mem::take(&mut self.words);
        self.undo.push(std::mem::replace(&mut self.current, after));
        self.last = None;
        self.name_changes();
        Some(words)
    }

    fn remember(&mut self) {
        if self.undo.len() == DEPTH {
            self.undo.remove(0);
        }
        self.undo.push(self.current.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Preset;

    #[test]
    fn a_drag_is_one_change_and_two_knobs_are_two() {
        let mut recipes = RecipeHistory::new(Preset::Laptop.recipe());
        let start = Instant::now();
        for k in 2..6 {
            assert!(
                recipes.set("train.k_g", &Value::Integer(k), start + Duration::from_millis(50 * k as u64)).unwrap()
            );
        }
        recipes.set("train.k_d", &Value::Integer(3), start + Duration::from_millis(400)).unwrap();
        assert_eq!((recipes.current().train.k_g, recipes.current().train.k_d), (5, 3));
        assert_eq!(recipes.words(), ["D updates per step (k_D) from 3 back to 1", ""]);
        assert_eq!(recipes.undo().as_deref(), Some("D updates per step (k_D) from 3 back to 1"));
        assert_eq!((recipes.current().train.k_g, recipes.current().train.k_d), (5, 1));
        assert_eq!(recipes.words()[1], "D updates per step (k_D) from 1 to 3");
        assert_eq!(recipes.undo().as_deref(), Some("G updates per step (k_G) from 5 back to 1"));
        assert_eq!(recipes.current(), recipes.initial());
        assert_eq!((recipes.undo(), recipes.words()[0]), (None, ""));
        assert!(recipes.redo().is_some() && recipes.redo().is_some() && recipes.redo().is_none());
        assert_eq!((recipes.current().train.k_g, recipes.current().train.k_d), (5, 3));
    }

    #[test]
    fn a_change_after_an_undo_ends_the_redo() {
        let mut recipes = RecipeHistory::new(Preset::Laptop.recipe());
        assert!(recipes.replace(Preset::Talk2017.recipe()));
        assert!(!recipes.replace(Preset::Talk2017.recipe()));
        let many = recipes.undo().unwrap();
        assert!(many.contains(" settings, among them "), "{many}");
        recipes.set("train.k_g", &Value::Integer(4), Instant::now()).unwrap();
        assert_eq!(recipes.can(), (true, false));
    }

    #[test]
    fn what_is_out_of_range_leaves_everything_as_it_is() {
        let mut recipes = RecipeHistory::new(Preset::Laptop.recipe());
        assert!(recipes.set("train.k_g", &Value::Integer(99), Instant::now()).is_err());
        assert!(!recipes.set("train.k_g", &Value::Integer(1), Instant::now()).unwrap());
        assert_eq!(recipes.can(), (false, false));
    }
}
